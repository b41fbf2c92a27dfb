// myrac: the schema compiler. `myrac --help` teaches by example.

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "console.hpp"
#include "myra/core/nearest_name.hpp"
#include "verbs.hpp"

namespace {

struct verb {
  std::string_view name;
  const char* summary;
  int (*run)(int argc, const char* const* argv);
};

constexpr verb verbs[] = {
    {"generate", "Schemas to C++ headers; keeps the ledger", myra::compiler::run_generate},
    {"validate", "Check schemas and ledgers, write nothing", myra::compiler::run_validate},
    {"diff", "What changed, and whether old and new readers survive it", myra::compiler::run_diff},
    {"lock", "Bring the ledger up to the schema", myra::compiler::run_lock},
    {"json", "A message as JSON, and back", myra::compiler::run_json},
    {"dump", "A message in hex, each piece with its meaning", myra::compiler::run_dump},
    {"random", "A valid message from a seed", myra::compiler::run_random},
};

constexpr const char* examples =
    "Examples:\n"
    "  myrac generate trading.myra.yml --out generated    writes generated/trading.hpp\n"
    "  myrac generate trading.myra.yml --check            in CI: is the ledger up to the schema?\n"
    "  myrac diff trading.myra.yml                        what changes for programs that exist\n"
    "  myrac json trading.myra.yml --message order bytes.bin\n"
    "  myrac random trading.myra.yml --message order --seed 7 --hex\n"
    "\n"
    "myrac VERB --help tells all about one verb; docs/schema.md describes the language.\n";

int help() {
  std::printf("myrac - the schema compiler of Myra\n\nUsage: myrac VERB [OPTIONS]\n\nVerbs:\n");
  for (const verb& known : verbs)
    std::printf("  %-9.*s %s\n", static_cast<int>(known.name.size()), known.name.data(),
                known.summary);
  std::printf("\n%s", examples);
  return 0;
}

int refuse(std::string_view what, std::string_view typed) {
  std::vector<std::string> names;
  for (const verb& known : verbs) names.emplace_back(known.name);
  const std::string nearest = myra::nearest_name(typed, names);
  std::string text = "myrac: " + std::string(what);
  if (!nearest.empty()) text += "; did you mean " + nearest + '?';
  myra::compiler::tell(text + " See: myrac --help\n");
  return myra::compiler::exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return refuse("a verb is missing.", "");
  const std::string_view first = argv[1];
  if (first == "--help" || first == "-h" || first == "help") return help();
  if (first == "--version") {
    std::puts("myrac " MYRA_VERSION);
    return 0;
  }
  for (const verb& known : verbs)
    if (known.name == first) return known.run(argc - 1, argv + 1);
  return refuse("there is no verb '" + std::string(first) + "'", first);
}
