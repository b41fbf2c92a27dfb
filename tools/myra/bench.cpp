// myra bench: hands over to the programs of the benchmark, which lie beside this one. In a build
// tree and where Myra is installed alike they are found from this program's own place:
//
//   <prefix>/bin/myra
//   <prefix>/libexec/myra/bench/   the scripts: run_suite.py, compare.py
//   <prefix>/libexec/myra/         servers and load generators (in a build tree: bin/)

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "myra/config/console.hpp"
#include "verbs.hpp"

namespace myra::tool {
namespace {

namespace files = std::filesystem;

constexpr const char* program_name = "myra bench";

struct part {
  std::string_view name;
  const char* summary;
  const char* file;
  bool is_script;
};

constexpr part parts[] = {
    {"run", "Measure under loads of every shape; table, --json, --html", "bench/run_suite.py",
     true},
    {"compare", "What changed between two --json files; ends with 1 when something is worse",
     "bench/compare.py", true},
    {"client", "Put a load on any echo server, and check what comes back", "myra-load", false},
};

constexpr const char* examples =
    "Examples:\n"
    "  myra bench run --quick                      under 3 minutes\n"
    "  myra bench run --json new.json --html new.html\n"
    "  myra bench run --only 'echo 50 x 1' --subject 'myra uring' --subject libuv\n"
    "  myra bench run --list                       scenarios, subjects and features\n"
    "  myra bench compare old.json new.json\n"
    "  myra bench client --connect 127.0.0.1:7000 --connections 50 --depth 16\n"
    "  myra bench client --connect 127.0.0.1:7000 --mode open --connections 50 --rate 50000\n"
    "\n"
    "myra bench run --help tells all about one of them. run needs root for a network of its own\n"
    "and for counting kernel entries; run and compare need python3.\n";

int help() {
  std::printf(
      "myra bench - measure Myra and what it is compared with\n\n"
      "Usage: myra bench PART [OPTIONS]\n\nParts:\n");
  for (const part& known : parts) {
    std::printf("  %-8.*s %s\n", static_cast<int>(known.name.size()), known.name.data(),
                known.summary);
  }
  std::printf("\n%s", examples);
  return 0;
}

/// The first of the places that has `file`; empty when none has.
files::path find(const std::vector<files::path>& places, const char* file) {
  for (const files::path& place : places) {
    std::error_code error;
    if (files::exists(place / file, error)) return place / file;
  }
  return {};
}

int hand_over(const part& chosen, int argc, const char* const* argv) {
  std::error_code error;
  const files::path own = files::read_symlink("/proc/self/exe", error);
  if (error) return config::refuse(program_name, "/proc/self/exe: " + error.message());
  const files::path bin = own.parent_path();
  const std::vector<files::path> places{bin.parent_path() / MYRA_LIBEXEC_DIR, bin};
  const std::string file = find(places, chosen.file).string();
  if (file.empty()) {
    return config::refuse(program_name, std::string(chosen.file) + " is neither in " +
                                            places[0].string() + " nor in " + bin.string() +
                                            "; Myra was built or installed without its benchmark");
  }
  ::setenv("MYRA_BENCH_BIN", (bin.string() + ":" + places[0].string()).c_str(), 1);
  ::setenv("MYRA_BENCH_PROGRAM", "myra bench run", 1);

  std::vector<char*> words;
  const std::string python = "python3";
  if (chosen.is_script) words.push_back(const_cast<char*>(python.c_str()));
  words.push_back(const_cast<char*>(file.c_str()));
  for (int i = 1; i < argc; ++i) words.push_back(const_cast<char*>(argv[i]));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  return config::refuse(program_name, std::string(words[0]) + ": " + std::strerror(errno) +
                                          (chosen.is_script ? " (Debian: python3)" : ""));
}

}  // namespace

int run_bench(int argc, const char* const* argv) {
  std::string known;
  for (const part& each : parts) known.append(known.empty() ? "" : ", ").append(each.name);
  if (argc < 2) {
    return config::refuse(program_name,
                          "a part is missing; parts: " + known + "; see: myra bench --help");
  }
  const std::string_view first = argv[1];
  if (first == "--help" || first == "-h") return help();
  for (const part& each : parts) {
    if (each.name == first) return hand_over(each, argc - 1, argv + 1);
  }
  return config::refuse(program_name, "there is no part '" + std::string(first) +
                                          "'; parts: " + known + "; see: myra bench --help");
}

}  // namespace myra::tool
