#include "myra/schema/timestamp.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <string>

#include "myra/schema/literal.hpp"

namespace myra::schema {
namespace {

std::string_view digits_of_fraction(type_kind kind) {
  if (kind == type_kind::timestamp_millis) return "000";
  return kind == type_kind::timestamp_micros ? "000000" : "000000000";
}

/// Takes exactly `count` digits, and `then` after them where it is not 0, from the front of `text`.
std::optional<int> take_number(std::string_view& text, std::size_t count, char then) {
  if (text.size() < count + (then != 0 ? 1 : 0)) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  if (then != 0 && text[count] != then) return std::nullopt;
  text.remove_prefix(count + (then != 0 ? 1 : 0));
  return value;
}

/// The units that ".123Z" or "Z" stands for.
std::optional<std::int64_t> take_fraction(type_kind kind, std::string_view text) {
  std::string digits(digits_of_fraction(kind));
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t count = text.find_first_not_of("0123456789");
    if (count == 0 || count == std::string_view::npos || count > digits.size()) return std::nullopt;
    digits.replace(0, count, text.substr(0, count));
    text.remove_prefix(count);
  }
  if (text != "Z") return std::nullopt;
  std::int64_t units = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), units);
  return units;
}

}  // namespace

std::int64_t units_per_second(type_kind kind) noexcept {
  if (kind == type_kind::timestamp_millis) return 1'000;
  return kind == type_kind::timestamp_micros ? 1'000'000 : 1'000'000'000;
}

std::optional<std::int64_t> timestamp_from_text(type_kind kind, std::string_view text) {
  const auto year = take_number(text, 4, '-');
  const auto month = year ? take_number(text, 2, '-') : std::nullopt;
  const auto day = month ? take_number(text, 2, 'T') : std::nullopt;
  const auto hour = day ? take_number(text, 2, ':') : std::nullopt;
  const auto minute = hour ? take_number(text, 2, ':') : std::nullopt;
  const auto second = minute ? take_number(text, 2, 0) : std::nullopt;
  const auto fraction = second ? take_fraction(kind, text) : std::nullopt;
  if (!fraction || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86'400 + *hour * 3'600 + *minute * 60 + *second;
  std::int64_t units = 0;
  if (__builtin_mul_overflow(seconds, units_per_second(kind), &units)) return std::nullopt;
  if (__builtin_add_overflow(units, *fraction, &units)) return std::nullopt;
  return units;
}

std::string timestamp_text(type_kind kind, std::int64_t value) {
  const std::int64_t per_second = units_per_second(kind);
  std::int64_t seconds = value / per_second;
  std::int64_t fraction = value % per_second;
  if (fraction < 0) {
    fraction += per_second;
    --seconds;
  }
  std::int64_t days = seconds / 86'400;
  std::int64_t within = seconds % 86'400;
  if (within < 0) {
    within += 86'400;
    --days;
  }
  constexpr std::int64_t first_day = -719'528;  // 0000-01-01
  constexpr std::int64_t last_day = 2'932'896;  // 9999-12-31
  if (days < first_day || days > last_day) return std::to_string(value);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(within / 3'600), static_cast<int>(within / 60 % 60),
                static_cast<int>(within % 60));
  std::string made = text;
  if (fraction != 0) {
    std::string digits = std::to_string(fraction);
    digits.insert(0, digits_of_fraction(kind).size() - digits.size(), '0');
    made += '.' + digits.substr(0, digits.find_last_not_of('0') + 1);
  }
  // The first second that int64 can hold has begun before the least value: its start overflows.
  if (timestamp_from_text(kind, made + 'Z') != value) return std::to_string(value);
  return made + 'Z';
}

}  // namespace myra::schema
