// What can go wrong between bytes and frames. One category for all framings; each code is a
// sentence.
#pragma once

#include <system_error>

namespace myra {

enum class framing_error {
  invalid_option = 1,   ///< The options contradict each other or name a value that is not allowed.
  frame_too_long,       ///< A frame is longer than frame_size_max_bytes.
  frame_too_short,      ///< A frame is shorter than frame_size_min_bytes.
  length_below_header,  ///< The length counts the header, and is smaller than the header.
  length_overflow,      ///< The length of a payload cannot be written in the width of the header.
  truncated,            ///< The stream ended inside a frame.
  no_memory,            ///< There was no memory to assemble a frame that came in pieces.
};

/// The category "framing". Its conditions: `truncated` is condition::disconnected, `no_memory` is
/// condition::resource_exhausted, all others are condition::invalid.
[[nodiscard]] const std::error_category& framing_category() noexcept;

[[nodiscard]] std::error_code make_error_code(framing_error value) noexcept;

}  // namespace myra

template <>
struct std::is_error_code_enum<myra::framing_error> : std::true_type {};
