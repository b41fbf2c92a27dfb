// myra: what Myra can do here, and two servers for plain bytes. `myra --help` teaches by example.

#include <cstdio>
#include <string>
#include <string_view>

#include "myra/config/console.hpp"
#include "verbs.hpp"

namespace {

struct verb {
  std::string_view name;
  const char* summary;
  int (*run)(int argc, const char* const* argv);
};

constexpr verb verbs[] = {
    {"probe", "What this kernel can do, what of it Myra uses, and why not the rest",
     myra::tool::run_probe},
    {"echo", "A server that sends back what it gets, or a client that verifies it",
     myra::tool::run_echo},
    {"proxy", "A TCP proxy: listens here, connects there", myra::tool::run_proxy},
    {"bench", "Measure it against bare loops and other libraries; compare two results",
     myra::tool::run_bench},
};

constexpr const char* examples =
    "Examples:\n"
    "  myra probe                                  what is used here, and why not the rest\n"
    "  myra echo --listen 127.0.0.1:7000           serve; ^C ends it, having sent what it holds\n"
    "  myra echo --connect 127.0.0.1:7000          drive that server and verify every byte\n"
    "  myra proxy --listen '*:8080' --connect 127.0.0.1:80\n"
    "  myra proxy --listen 127.0.0.1:8080 --connect 127.0.0.1:80 --backend epoll\n"
    "  myra bench run --quick                      what it costs here\n"
    "\n"
    "myra VERB --help tells all about one verb.\n";

int help() {
  std::printf(
      "myra - network transport on Linux io_uring\n\nUsage: myra VERB [OPTIONS]\n\nVerbs:\n");
  for (const verb& known : verbs) {
    std::printf("  %-8.*s %s\n", static_cast<int>(known.name.size()), known.name.data(),
                known.summary);
  }
  std::printf("\n%s", examples);
  return 0;
}

int refuse(const std::string& what) {
  std::string names;
  for (const verb& known : verbs) names.append(names.empty() ? "" : ", ").append(known.name);
  return myra::config::refuse("myra", what + "; verbs: " + names + "; see: myra --help");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return refuse("a verb is missing");
  const std::string_view first = argv[1];
  if (first == "--help" || first == "-h" || first == "help") return help();
  if (first == "--version") {
    std::puts("myra " MYRA_VERSION);
    return 0;
  }
  for (const verb& known : verbs) {
    if (known.name == first) return known.run(argc - 1, argv + 1);
  }
  return refuse("there is no verb '" + std::string(first) + "'");
}
