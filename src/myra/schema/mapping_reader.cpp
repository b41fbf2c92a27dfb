#include "myra/schema/mapping_reader.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace myra::schema {
namespace {

std::string_view kind_words(yaml_kind kind) {
  switch (kind) {
    case yaml_kind::scalar: return "a text";
    case yaml_kind::sequence: return "a list";
    case yaml_kind::mapping: return "keys and values";
    default: return "nothing";
  }
}

std::string found_kind(const yaml_node& node) {
  return node.kind == yaml_kind::scalar ? in_quotes(node.text) : std::string(kind_words(node.kind));
}

/// "a message", "an enum"
std::string with_article(std::string_view thing) {
  return (thing.starts_with('e') ? "an " : "a ") + std::string(thing);
}

}  // namespace

mapping_reader::mapping_reader(const yaml_node& node, std::string_view thing,
                               std::span<const std::string_view> known, diagnostics& errors)
    : thing_(thing), errors_(errors), at_(node.at) {
  const std::vector<std::string> words(known.begin(), known.end());
  if (node.kind != yaml_kind::mapping) {
    // An empty file has no node, and so no place.
    const position at{node.at.file, std::max(node.at.line, 1u), std::max(node.at.column, 1u)};
    errors.error(at, with_article(thing) + " is written with keys, found " + found_kind(node),
                 "its keys are " + enumerated(words));
    return;
  }
  mapping_ = &node;
  for (const yaml_key& key : node.keys) {
    if (errors.full()) return;
    if (std::ranges::find(known, key.text) != known.end()) continue;
    errors.error(key.at, "unknown key " + in_quotes(key.text) + " of " + with_article(thing),
                 suggestion(key.text, words, "its keys are " + enumerated(words)));
  }
}

const yaml_node* mapping_reader::find(std::string_view key) const {
  const yaml_node* value = mapping_ != nullptr ? find_value(*mapping_, key) : nullptr;
  return value != nullptr && value->kind != yaml_kind::null ? value : nullptr;
}

written_text mapping_reader::needed_text(std::string_view key, std::string_view example) const {
  if (auto found = text_not_null(key)) return *found;
  if (mapping_ != nullptr && find_value(*mapping_, key) == nullptr)
    errors_.error(at_, with_article(thing_) + " has no " + std::string(key),
                  "add '" + std::string(key) + ": " + std::string(example) + "'");
  return {.text = {}, .at = at_};
}

std::optional<written_text> mapping_reader::text(std::string_view key) const {
  const yaml_node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (node->kind == yaml_kind::scalar) return written_text{node->text, node->at};
  errors_.error(node->at, "'" + std::string(key) + "' is a text, found " + found_kind(*node));
  return std::nullopt;
}

std::optional<written_text> mapping_reader::text_not_null(std::string_view key) const {
  const yaml_node* node = mapping_ != nullptr ? find_value(*mapping_, key) : nullptr;
  if (node == nullptr || node->kind != yaml_kind::null) return text(key);
  errors_.error(node->at, "'" + std::string(key) + "' is empty or null",
                "write a text; one that YAML takes for null goes in quotes");
  return std::nullopt;
}

bool mapping_reader::flag(std::string_view key) const {
  const auto found = text(key);
  if (found && found->text != "true" && found->text != "false")
    errors_.error(found->at, "'" + std::string(key) + "' is " + in_quotes(found->text),
                  "write true or false");
  return found && found->text == "true";
}

std::optional<std::uint32_t> mapping_reader::number(std::string_view key,
                                                    std::uint32_t greatest) const {
  const auto found = text(key);
  if (!found) return std::nullopt;
  std::uint32_t value = 0;
  const char* last = found->text.data() + found->text.size();
  const auto [end, wrong] = std::from_chars(found->text.data(), last, value);
  if (wrong == std::errc() && end == last && value >= 1 && value <= greatest) return value;
  errors_.error(found->at, "'" + std::string(key) + "' is " + in_quotes(found->text),
                "write a whole number from 1 to " + std::to_string(greatest));
  return std::nullopt;
}

std::span<const yaml_node> mapping_reader::list(std::string_view key) const {
  const yaml_node* node = find(key);
  if (node == nullptr) return {};
  if (node->kind == yaml_kind::sequence) return node->items;
  errors_.error(node->at, "'" + std::string(key) + "' is a list, found " + found_kind(*node),
                "put '- ' before each of its items");
  return {};
}

std::vector<written_text> mapping_reader::texts(std::string_view key) const {
  const yaml_node* node = find(key);
  if (node == nullptr) return {};
  if (node->kind == yaml_kind::scalar) return {{node->text, node->at}};
  std::vector<written_text> made;
  for (const yaml_node& item : list(key)) {
    if (item.kind == yaml_kind::scalar)
      made.push_back({item.text, item.at});
    else
      errors_.error(item.at,
                    "an item of '" + std::string(key) + "' is a text, found " + found_kind(item));
  }
  return made;
}

}  // namespace myra::schema
