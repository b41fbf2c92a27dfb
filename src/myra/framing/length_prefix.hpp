// Length-prefixed frames: a header that holds a length, then the payload.
//
//   +------------------------+---------------------------+
//   | length (width_bytes)   | payload                   |
//   +------------------------+---------------------------+
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>

#include "myra/core/endian.hpp"
#include "myra/core/error.hpp"

namespace myra {

/// What the number in the header counts.
enum class length_counts {
  payload,  ///< The bytes that follow the header.
  frame,    ///< Header and payload together.
};

/// How frames are laid out, and which ones are accepted. A frame's size is header and payload
/// together.
struct length_prefix {
  /// Size of the header, 1 to 8.
  std::size_t width_bytes = 4;
  byte_order order = byte_order::big;
  length_counts counts = length_counts::payload;
  /// The smallest frame that is accepted. 0 accepts every payload, the empty one too.
  std::size_t frame_size_min_bytes = 0;
  /// The largest frame that is accepted, and with it the bound of what a reader stores for one
  /// stream.
  std::size_t frame_size_max_bytes = std::size_t{1} << 20;

  static constexpr std::size_t width_max_bytes = 8;

  /// The largest number that a header of this width can hold.
  [[nodiscard]] constexpr std::uint64_t length_max() const noexcept {
    return std::numeric_limits<std::uint64_t>::max() >> (64 - 8 * width_bytes);
  }
};

/// Whether frames can be read and written with `prefix`. The error is framing_error::invalid_option
/// and names the field, what it holds and what is allowed.
[[nodiscard]] std::expected<void, error_report> validate(const length_prefix& prefix);

}  // namespace myra
