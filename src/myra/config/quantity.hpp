// Sizes and durations as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "myra/core/clock.hpp"

namespace myra::config {

/// A whole decimal number, nothing else around it.
[[nodiscard]] std::optional<std::int64_t> parse_number(std::string_view text) noexcept;

/// "16384", "16384B", "16KiB", "1MiB", "2GiB". Fractions, signs and powers of ten are not allowed.
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text) noexcept;
/// The shortest of these forms that is exact, such as "16KiB" and "100".
[[nodiscard]] std::string print_size(std::int64_t bytes);

/// "250ms", "5s", "10min", "1h", also "us" and "ns". Fractions and signs are not allowed.
[[nodiscard]] std::optional<duration> parse_time(std::string_view text) noexcept;
/// The form with the largest unit that is exact; "0s" for zero.
[[nodiscard]] std::string print_time(duration time);

}  // namespace myra::config
