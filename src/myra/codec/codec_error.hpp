// What can be wrong with a message, and where. Each code is a sentence.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <system_error>

#include "myra/core/error.hpp"

namespace myra {

enum class codec_error : std::uint8_t {
  none = 0,
  // What verify refuses.
  truncated,         ///< The bytes end inside a header, a fixed part or a list's elements.
  unknown_format,    ///< The first byte is not that of a message of this wire format.
  missing_fields,    ///< The fixed part lacks fields that every version of the schema had.
  ends_not_ordered,  ///< An end in a table of ends is smaller than the one before it.
  size_mismatch,  ///< The last end, or a list's elements, do not reach the end of what holds them.
  empty_element,  ///< A list announces elements of no size, or no elements at all.
  element_size,   ///< A list's elements do not have the size of their type.
  capacity_exceeded,  ///< A text held in place is longer than the place.
  keys_not_ordered,   ///< A map's keys are not in strictly ascending order.
  unknown_choice,     ///< A oneof is too short to name its alternative.
  not_canonical,      ///< The bytes mean something, but are not the canonical ones for it.
  too_large,          ///< The message is larger than the limit.
  too_deep,           ///< Messages are nested deeper than the limit.
  too_many_elements,  ///< The lists together have more elements than the limit.
  // What a builder refuses.
  no_room,        ///< The memory given to the builder is too small.
  wrong_order,    ///< A field was written after one that lies behind it.
  unsorted_keys,  ///< A map was given keys that do not ascend.
  text_too_long,  ///< A text is longer than its fixed capacity.
};

[[nodiscard]] constexpr std::string_view describe(codec_error code) noexcept {
  switch (code) {
    case codec_error::none: return "nothing is wrong";
    case codec_error::truncated: return "the message ends too early";
    case codec_error::unknown_format: return "the first byte names no known format";
    case codec_error::missing_fields: return "fields that every version has are missing";
    case codec_error::ends_not_ordered: return "an end lies before the end of the field before it";
    case codec_error::size_mismatch: return "the fields do not fill what holds them";
    case codec_error::empty_element: return "a list announces elements that have no size";
    case codec_error::element_size: return "a list's elements have another size than their type";
    case codec_error::capacity_exceeded: return "a text is longer than its fixed capacity";
    case codec_error::keys_not_ordered: return "a map's keys do not ascend";
    case codec_error::unknown_choice: return "a oneof does not name its alternative";
    case codec_error::not_canonical: return "the bytes are not canonical";
    case codec_error::too_large: return "the message is larger than the limit";
    case codec_error::too_deep: return "messages are nested deeper than the limit";
    case codec_error::too_many_elements: return "the lists have more elements than the limit";
    case codec_error::no_room: return "the memory is too small for the message";
    case codec_error::wrong_order: return "a field was written after one that lies behind it";
    case codec_error::unsorted_keys: return "a map was given keys that do not ascend";
    case codec_error::text_too_long:
      return "a text was given that is longer than its fixed capacity";
  }
  return "unknown codec error";
}

/// What verify answers when it refuses a message: the rule that broke, and the offset in the
/// message of what broke it.
struct codec_failure {
  codec_error code = codec_error::none;
  std::uint32_t offset_bytes = 0;

  friend bool operator==(const codec_failure&, const codec_failure&) = default;
};

/// "RULE at byte N", for a person.
[[nodiscard]] inline std::string describe(const codec_failure& failure) {
  return std::string(describe(failure.code)) + " at byte " + std::to_string(failure.offset_bytes);
}

namespace detail {
class codec_category_type final : public std::error_category {
 public:
  const char* name() const noexcept override { return "codec"; }
  std::string message(int value) const override {
    return std::string(describe(static_cast<codec_error>(value)));
  }
  std::error_condition default_error_condition(int value) const noexcept override {
    const auto code = static_cast<codec_error>(value);
    const bool exhausted = code == codec_error::no_room || code == codec_error::too_large ||
                           code == codec_error::too_many_elements || code == codec_error::too_deep;
    return make_error_condition(exhausted ? condition::resource_exhausted : condition::invalid);
  }
};
}  // namespace detail

/// The category "codec". Its conditions: what met a limit or lacked room is
/// condition::resource_exhausted, all others are condition::invalid.
[[nodiscard]] inline const std::error_category& codec_category() noexcept {
  static const detail::codec_category_type category;
  return category;
}

[[nodiscard]] inline std::error_code make_error_code(codec_error value) noexcept {
  return {static_cast<int>(value), codec_category()};
}

}  // namespace myra

template <>
struct std::is_error_code_enum<myra::codec_error> : std::true_type {};
