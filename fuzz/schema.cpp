// A schema, or two files that import each other: whatever the text, myrac ends soon; what it takes
// has a ledger that reads back as it was written, and leaves that alone the second time.
//
// Parser: src/myra/schema/yaml_tree.* src/myra/schema/mapping_reader.* src/myra/schema/parse.*
// Parser: src/myra/schema/load.* src/myra/schema/type_syntax.* src/myra/schema/literal.*
// Parser: src/myra/schema/resolve*.* src/myra/schema/name_*.*
#include "myra/schema/compile.hpp"

#include <map>
#include <string>
#include <variant>

#include "fuzz_input.hpp"
#include "myra/schema/literal.hpp"
#include "myra/schema/yaml_tree.hpp"

namespace {

using namespace myra::schema;

/// Besides the texts there is any number of small files, so that an input can import many.
source_reader files(std::map<std::string, std::string> texts) {
  return [texts = std::move(texts)](
             const std::string& path) -> std::expected<std::string, std::string> {
    const auto found = texts.find(path);
    if (found != texts.end()) return found->second;
    if (path.starts_with('s')) return "namespace: small";
    return std::unexpected("no such file");
  };
}

/// With limits that a short text meets.
void check_limits(std::string_view text) {
  constexpr yaml_limits small{
      .size_max_bytes = 300, .line_size_max_bytes = 80, .depth_max = 4, .node_count_max = 12};
  diagnostics errors;
  const yaml_node root = read_yaml(text, errors.add_file("a.myra.yml"), errors, small);
  fuzz::require(text.size() <= small.size_max_bytes || !errors.empty(), "the size is limited");
  fuzz::require(root.keys.size() <= small.node_count_max, "the count of values is limited");
}

/// As generated code and its documentation write them.
void check_defaults(const model& schema) {
  for (const message& each : schema.messages) {
    for (const field& of : each.fields) {
      const std::string text = literal_text(of.value.kind, of.default_value);
      const bool has_one = !std::holds_alternative<std::monostate>(of.default_value);
      if (!has_one || of.value.kind == type_kind::enumeration) continue;
      const auto again = parse_literal(of.value.kind, text);
      fuzz::require(again && literal_text(of.value.kind, *again) == text,
                    "a default that is printed reads back");
    }
  }
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  check_limits(text);
  const std::size_t cut = text.find("\n%%%\n");
  std::map<std::string, std::string> texts = {{"a.myra.yml", text.substr(0, cut)}};
  if (cut != std::string::npos) texts["b.myra.yml"] = text.substr(cut + 5);
  const compile_options options{.schema_path = "a.myra.yml"};
  const compiled first = compile(options, files(texts));
  if (!first.errors.empty()) {
    fuzz::require(!first.errors.text().empty(), "an error has words");
    return 0;
  }
  check_defaults(first.schema);
  for (const kept_ledger& each : first.ledgers) texts[each.path] = each.after_text;
  const compiled second = compile(options, files(texts));
  fuzz::require(second.errors.empty(), "a schema goes with the ledger that it made");
  for (std::size_t i = 0; i < first.ledgers.size(); ++i)
    fuzz::require(second.ledgers[i].after_text == first.ledgers[i].after_text,
                  "a schema that did not change leaves its ledger alone");
  return 0;
}
