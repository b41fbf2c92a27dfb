// A schema, or two files that import each other: whatever the text, myrac ends soon; what it takes
// has a ledger that reads back as it was written, and leaves that alone the second time.
//
// Parser: src/myra/schema/yaml_tree.* src/myra/schema/mapping_reader.* src/myra/schema/parse.*
// Parser: src/myra/schema/load.* src/myra/schema/type_syntax.* src/myra/schema/literal.*
// Parser: src/myra/schema/resolve*.* src/myra/schema/name_*.*
#include "myra/schema/compile.hpp"

#include <map>
#include <string>

#include "fuzz_input.hpp"

namespace {

using namespace myra::schema;

source_reader files(std::map<std::string, std::string> texts) {
  return [texts = std::move(texts)](
             const std::string& path) -> std::expected<std::string, std::string> {
    const auto found = texts.find(path);
    if (found == texts.end()) return std::unexpected("no such file");
    return found->second;
  };
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = text.find("\n%%%\n");
  std::map<std::string, std::string> texts = {{"a.myra.yml", text.substr(0, cut)}};
  if (cut != std::string::npos) texts["b.myra.yml"] = text.substr(cut + 5);
  const compile_options options{.schema_path = "a.myra.yml"};
  const compiled first = compile(options, files(texts));
  if (!first.errors.empty()) {
    fuzz::require(!first.errors.text().empty(), "an error has words");
    return 0;
  }
  for (const kept_ledger& each : first.ledgers) texts[each.path] = each.after_text;
  const compiled second = compile(options, files(texts));
  fuzz::require(second.errors.empty(), "a schema goes with the ledger that it made");
  for (std::size_t i = 0; i < first.ledgers.size(); ++i)
    fuzz::require(second.ledgers[i].after_text == first.ledgers[i].after_text,
                  "a schema that did not change leaves its ledger alone");
  return 0;
}
