// One .myra.yml file: text in, declarations out. docs/schema.md has the grammar.
#pragma once

#include <string_view>

#include "myra/schema/declared.hpp"
#include "myra/schema/diagnostics.hpp"

namespace myra::schema {

inline constexpr std::uint32_t tag_max = 4095;             ///< Of a field.
inline constexpr std::uint32_t alternative_tag_max = 255;  ///< Of a oneof's alternative.
inline constexpr std::uint32_t id_max = 65535;             ///< Of a message or an enum.
inline constexpr std::uint32_t fixed_capacity_max = 65535;
inline constexpr std::uint32_t array_count_max = 65535;
inline constexpr int group_depth_max = 8;  ///< Groups and oneofs within each other.

/// Reads the text of file number `file`. What is wrong goes to `errors`; what could be read is
/// returned all the same, so that more can be found wrong with it.
[[nodiscard]] declared_file parse_file(std::string_view text, std::uint32_t file,
                                       diagnostics& errors);

}  // namespace myra::schema
