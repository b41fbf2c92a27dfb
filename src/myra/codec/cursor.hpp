// Where the next byte of a message goes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "myra/codec/codec_error.hpp"
#include "myra/codec/copy_text.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"

namespace myra::codec {

/// The largest message of a width.
[[nodiscard]] constexpr std::size_t message_size_max_bytes(width chosen) noexcept {
  return chosen == width::narrow ? std::numeric_limits<std::uint16_t>::max()
                                 : std::numeric_limits<std::uint32_t>::max();
}

/// The place and the first error. A plain value: builders hand it to those inside of them and take
/// it back, so that the compiler keeps it in registers. After an error there is no room for
/// anything.
struct cursor {
  std::byte* at = nullptr;
  std::byte* limit = nullptr;
  codec_error error = codec_error::none;

  [[gnu::always_inline]] void fail(codec_error what) noexcept {
    if (error == codec_error::none) error = what;
    limit = at;
  }

  /// Whether there is room for `size` bytes at `at`; notes the error if not.
  [[nodiscard, gnu::always_inline]] bool has_room(std::size_t size) noexcept {
    if (size <= static_cast<std::size_t>(limit - at)) [[likely]]
      return true;
    fail(codec_error::no_room);
    return false;
  }

  [[gnu::always_inline]] void append(byte_view bytes) noexcept {
    if (!has_room(bytes.size())) return;
    copy_text(at, bytes);
    at += bytes.size();
  }
};

}  // namespace myra::codec
