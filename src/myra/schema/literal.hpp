// Values as text: defaults in a schema, and what JSON has no form of its own for.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "myra/schema/model.hpp"

namespace myra::schema {

/// The value of a kind that `text` writes, or what would be right ("a number from 0 to 255").
///
///   bool                   true, false
///   integers               -12, 0x1f
///   float32, float64       1.5, 2e-3, nan, inf, -inf
///   string                 the text itself
///   bytes                  two hex digits a byte: 00ff10
///   uuid                   123e4567-e89b-12d3-a456-426614174000
///   decimal                12.50 (mantissa 1250, exponent -2), 125e3
///   timestamp_...          2025-11-10T14:32:05.123456789Z, or the number itself
///   duration               250ms (ns, us, ms, s, m, h), or the number of nanoseconds
///
/// Not for enums, messages, maps and oneofs.
[[nodiscard]] std::expected<literal, std::string> parse_literal(type_kind kind,
                                                                std::string_view text);

/// `value`, which parse_literal made for that kind, as it reads it back.
[[nodiscard]] std::string literal_text(type_kind kind, const literal& value);

/// Least and greatest value of an integer kind, a timestamp or a duration.
struct integer_range {
  std::int64_t least = 0;
  std::uint64_t greatest = 0;
};
[[nodiscard]] integer_range range_of(type_kind kind) noexcept;
/// Whether range_of has an answer; for all other kinds it is from 0 to 0.
[[nodiscard]] bool is_whole(type_kind kind) noexcept;

[[nodiscard]] std::string uuid_text(const uuid_literal& value);
[[nodiscard]] std::string decimal_text(const decimal_literal& value);
/// "2025-11-10T14:32:05.123Z"; the bare number where the year would not have four digits.
[[nodiscard]] std::string timestamp_text(type_kind kind, std::int64_t value);
/// The shortest text that reads back as the same value.
[[nodiscard]] std::string float_text(type_kind kind, double value);
[[nodiscard]] std::string hex_text(std::string_view bytes);

}  // namespace myra::schema
