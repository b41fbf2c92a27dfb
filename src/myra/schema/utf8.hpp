// Whether bytes are UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace myra::schema {

/// Whether `text` is well-formed UTF-8 (RFC 3629): shortest forms only, no surrogates, nothing
/// above U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// How many bytes at the beginning of `text` are.
[[nodiscard]] std::size_t utf8_size(std::string_view text) noexcept;

}  // namespace myra::schema
