#include "myra/config/quantity.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <ranges>
#include <span>

namespace myra::config {
namespace {

struct unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<unit, 4> size_units{{{"B", 1},
                                          {"KiB", std::int64_t{1} << 10},
                                          {"MiB", std::int64_t{1} << 20},
                                          {"GiB", std::int64_t{1} << 30}}};

static_assert(duration::period::den == 1'000'000'000);
constexpr std::array<unit, 6> time_units{{{"ns", 1},
                                          {"us", 1000},
                                          {"ms", 1000 * 1000},
                                          {"s", 1000 * 1000 * 1000},
                                          {"min", std::int64_t{60} * 1000 * 1000 * 1000},
                                          {"h", std::int64_t{3600} * 1000 * 1000 * 1000}}};

std::optional<std::int64_t> with_unit(std::string_view text, std::span<const unit> units) noexcept {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == std::string_view::npos) return std::nullopt;
  const auto number = parse_number(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const unit& each : units) {
    if (text.substr(digits) != each.name) continue;
    if (*number > std::numeric_limits<std::int64_t>::max() / each.factor) return std::nullopt;
    return *number * each.factor;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_number(std::string_view text) noexcept {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_size(std::string_view text) noexcept {
  if (text.starts_with('-')) return std::nullopt;
  if (const auto bytes = parse_number(text)) return bytes;
  return with_unit(text, size_units);
}

std::string print_size(std::int64_t bytes) {
  for (const unit& each : size_units | std::views::drop(1) | std::views::reverse)
    if (bytes > 0 && bytes % each.factor == 0)
      return std::to_string(bytes / each.factor) + std::string(each.name);
  return std::to_string(bytes);
}

std::optional<duration> parse_time(std::string_view text) noexcept {
  const auto nanoseconds = with_unit(text, time_units);
  if (!nanoseconds) return std::nullopt;
  return duration(*nanoseconds);
}

std::string print_time(duration time) {
  if (time == duration::zero()) return "0s";
  // The last one, of nanoseconds, divides all.
  const auto divides = [time](const unit& each) { return time.count() % each.factor == 0; };
  const unit& largest = *std::ranges::find_if(time_units | std::views::reverse, divides);
  return std::to_string(time.count() / largest.factor) + std::string(largest.name);
}

}  // namespace myra::config
