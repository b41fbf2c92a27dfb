// Reads the entries of a YAML mapping that has known keys, and tells what is wrong with it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "myra/schema/declared.hpp"
#include "myra/schema/yaml_tree.hpp"

namespace myra::schema {

class mapping_reader {
 public:
  /// Reads `node`, which holds a `thing` ("field"). Every key that is not in `known` is an error.
  mapping_reader(const yaml_node& node, std::string_view thing,
                 std::span<const std::string_view> known, diagnostics& errors);

  /// Whether `node` is a mapping at all; where not, that was told, and nothing else will be.
  [[nodiscard]] bool is_mapping() const noexcept { return mapping_ != nullptr; }
  [[nodiscard]] position at() const noexcept { return at_; }

  /// The value of a key where it is given and not null.
  [[nodiscard]] const yaml_node* find(std::string_view key) const;

  /// A text; that it is missing, or null, is an error.
  [[nodiscard]] written_text needed_text(std::string_view key, std::string_view example) const;
  /// A text, or nothing where it is not given.
  [[nodiscard]] std::optional<written_text> text(std::string_view key) const;
  /// The same, where a null is an error: a text may look like one.
  [[nodiscard]] std::optional<written_text> text_not_null(std::string_view key) const;
  /// Whether the key is there and true.
  [[nodiscard]] bool flag(std::string_view key) const;
  /// A whole number from 1 to `greatest`.
  [[nodiscard]] std::optional<std::uint32_t> number(std::string_view key,
                                                    std::uint32_t greatest) const;
  /// The items of a list; none where it is not given.
  [[nodiscard]] std::span<const yaml_node> list(std::string_view key) const;
  /// A list of texts, or one text alone.
  [[nodiscard]] std::vector<written_text> texts(std::string_view key) const;

 private:
  std::string_view thing_;
  diagnostics& errors_;
  const yaml_node* mapping_ = nullptr;
  position at_;
};

}  // namespace myra::schema
