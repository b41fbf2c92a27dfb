// Views of bytes. A view borrows: it is valid as long as the owner named by the function that
// returned it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace myra {

using byte_view = std::span<const std::byte>;
using mutable_byte_view = std::span<std::byte>;

/// The bytes of `text`, borrowed from it.
[[nodiscard]] inline byte_view as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// `bytes` as text, borrowed from them; no encoding is checked.
[[nodiscard]] inline std::string_view as_text(byte_view bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace myra
