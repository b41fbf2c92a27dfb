#include "myra/schema/parse.hpp"

#include <array>
#include <utility>

#include "myra/schema/comments.hpp"
#include "myra/schema/mapping_reader.hpp"
#include "myra/schema/name_rules.hpp"

namespace myra::schema {
namespace {

constexpr auto file_keys = std::to_array<std::string_view>(
    {"namespace", "version", "doc", "imports", "messages", "enums"});
constexpr auto message_keys = std::to_array<std::string_view>(
    {"name", "id", "doc", "aliases", "deprecated", "deprecationNote", "fields"});
constexpr auto field_keys = std::to_array<std::string_view>(
    {"tag", "name", "type", "optional", "repeated", "default", "fixed_capacity", "fixedCapacity",
     "doc", "aliases", "deprecated", "deprecationNote", "fields"});
constexpr auto enum_keys = std::to_array<std::string_view>(
    {"name", "id", "type", "doc", "aliases", "deprecated", "deprecationNote", "values"});
constexpr auto value_keys = std::to_array<std::string_view>(
    {"name", "id", "doc", "aliases", "deprecated", "deprecationNote"});

class file_parser {
 public:
  file_parser(std::string_view text, std::uint32_t file, diagnostics& errors)
      : comments_(text), file_(file), errors_(errors) {}

  declared_file parse(const yaml_node& root) {
    declared_file made;
    if (root.kind == yaml_kind::null && !errors_.empty()) return made;
    const mapping_reader keys(root, "schema", file_keys, errors_);
    if (!keys.is_mapping()) return made;
    parse_namespace(keys, made.made);
    if (const auto version = keys.text("version")) made.made.version = version->text;
    made.made.doc = documentation(keys, root.at);
    made.imports = keys.texts("imports");
    for (const yaml_node& each : keys.list("messages"))
      made.messages.push_back(parse_message(each));
    for (const yaml_node& each : keys.list("enums")) made.enums.push_back(parse_enum(each));
    return made;
  }

 private:
  void check_name(const written_text& name, std::string_view thing) {
    if (!name.text.empty()) tell(name, judge_name(name.text, thing));  // Else it was told already.
  }

  void tell(const written_text& name, name_verdict verdict) {
    if (!verdict.what.empty())
      errors_.error(name.at, std::move(verdict.what), std::move(verdict.right));
  }

  void parse_namespace(const mapping_reader& keys, schema_file& made) {
    const written_text name = keys.needed_text("namespace", "trading");
    if (name.text.empty()) return;
    std::string_view rest = name.text;
    while (true) {
      const std::size_t dot = rest.find('.');
      const std::string_view part = rest.substr(0, dot);
      auto verdict =
          made.name_space.empty() ? judge_outer_namespace(part) : judge_namespace_part(part);
      if (!verdict.what.empty())
        errors_.error(name.at, std::move(verdict.what), std::move(verdict.right));
      made.name_space.emplace_back(part);
      if (dot == std::string_view::npos || errors_.full()) return;
      rest.remove_prefix(dot + 1);
    }
  }

  /// From `doc`, else from the comment above.
  std::string documentation(const mapping_reader& keys, position at) {
    const auto given = keys.text("doc");
    std::string text = given ? given->text : comments_.above(at);
    while (text.ends_with('\n')) text.pop_back();
    const position where = given ? given->at : at;
    for (const char each : text) {
      if (static_cast<unsigned char>(each) >= 0x20 || each == '\n' || each == '\t') continue;
      errors_.error(where, "its documentation has a control character", "leave it out");
      return {};
    }
    if (text.ends_with('\\') || text.find("\\\n") != std::string::npos) {
      errors_.error(
          where, "a line of its documentation ends with a backslash",
          "C++ would take the next line for a part of the comment: put something after it");
      return {};
    }
    return text;
  }

  void parse_declaration(const mapping_reader& keys, std::string_view thing,
                         std::string_view example, declaration& made) {
    const written_text name = keys.needed_text("name", example);
    check_name(name, thing);
    made.name = name.text;
    made.at = name.at;
    for (const written_text& alias : keys.texts("aliases")) {
      if (!alias.text.empty()) tell(alias, judge_word(alias.text, "alias"));
      made.aliases.push_back(alias.text);
    }
    made.doc = documentation(keys, keys.at());
    made.deprecated = keys.flag("deprecated");
    if (const auto note = keys.text("deprecationNote")) made.deprecation_note = note->text;
  }

  declared_message parse_message(const yaml_node& node) {
    const mapping_reader keys(node, "message", message_keys, errors_);
    declared_message made;
    if (!keys.is_mapping()) return made;
    parse_declaration(keys, "message", "order", made.made);
    made.made.file = file_;
    made.id = keys.number("id", id_max);
    for (const yaml_node& each : keys.list("fields")) made.fields.push_back(parse_field(each, 0));
    return made;
  }

  declared_field parse_field(const yaml_node& node, int depth) {
    const mapping_reader keys(node, depth == 0 ? "field" : "nested field", field_keys, errors_);
    declared_field made;
    if (!keys.is_mapping()) return made;
    parse_declaration(keys, "field", "price", made.made);
    made.type = keys.needed_text("type", "int64");
    made.tag = keys.number("tag", tag_max);
    if (const yaml_node* tag = keys.find("tag")) made.tag_at = tag->at;
    made.is_optional = keys.flag("optional");
    made.is_repeated = keys.flag("repeated");
    made.default_text = keys.text_not_null("default");
    parse_capacity(keys, made);
    parse_nested_fields(keys, made, depth);
    return made;
  }

  void parse_capacity(const mapping_reader& keys, declared_field& made) {
    for (const std::string_view key : {"fixed_capacity", "fixedCapacity"}) {
      const yaml_node* node = keys.find(key);
      if (node == nullptr) continue;
      if (made.capacity_at)
        errors_.error(node->at, "fixed_capacity is given twice", "keep one of the two");
      made.capacity_at = node->at;
      made.made.fixed_capacity = keys.number(key, fixed_capacity_max).value_or(0);
    }
  }

  void parse_nested_fields(const mapping_reader& keys, declared_field& made, int depth) {
    const yaml_node* fields = keys.find("fields");
    if (fields == nullptr) return;
    made.has_fields = true;
    if (depth >= group_depth_max) {
      errors_.error(fields->at,
                    "groups nested deeper than " + std::to_string(group_depth_max) + " levels",
                    "make a message of the inner one");
      return;
    }
    for (const yaml_node& each : keys.list("fields"))
      made.fields.push_back(parse_field(each, depth + 1));
  }

  declared_enum parse_enum(const yaml_node& node) {
    const mapping_reader keys(node, "enum", enum_keys, errors_);
    declared_enum made;
    if (!keys.is_mapping()) return made;
    parse_declaration(keys, "enum", "side", made.made);
    made.made.file = file_;
    made.underlying = keys.needed_text("type", "uint8");
    made.id = keys.number("id", id_max);
    for (const yaml_node& each : keys.list("values")) made.values.push_back(parse_value(each));
    return made;
  }

  declared_value parse_value(const yaml_node& node) {
    const mapping_reader keys(node, "value", value_keys, errors_);
    declared_value made;
    if (!keys.is_mapping()) return made;
    parse_declaration(keys, "value", "buy", made.made);
    made.number = keys.needed_text("id", "1");
    return made;
  }

  comment_lines comments_;
  std::uint32_t file_;
  diagnostics& errors_;
};

}  // namespace

declared_file parse_file(std::string_view text, std::uint32_t file, diagnostics& errors) {
  const yaml_node root = read_yaml(text, file, errors);
  return file_parser(text, file, errors).parse(root);
}

}  // namespace myra::schema
