// How the schema language writes a type: "int32", "uint8[16]", "map<string, trading.level>".
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myra/schema/model.hpp"

namespace myra::schema {

/// A type as it is written, its names not looked up.
struct written_type {
  std::string name;                      ///< "int32", "map", or a name to look up.
  std::vector<written_type> parameters;  ///< What stands between < and >.
  std::optional<std::uint64_t> array_count;
};

/// The type that `text` writes, or why it is none, with what would be right after "; ".
[[nodiscard]] std::expected<written_type, std::string> parse_type(std::string_view text);

/// The kind that a word of the language names: all but enum, message; nothing for other names.
[[nodiscard]] std::optional<type_kind> kind_of(std::string_view name);

/// The words that `kind_of` knows.
[[nodiscard]] std::vector<std::string> kind_words();

}  // namespace myra::schema
