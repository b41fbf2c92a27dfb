#include "myra/schema/literal.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "myra/schema/timestamp.hpp"

namespace myra::schema {
namespace {

using parsed = std::expected<literal, std::string>;
using failed = std::unexpected<std::string>;

std::string range_text(const integer_range& range) {
  return "a whole number from " + std::to_string(range.least) + " to " +
         std::to_string(range.greatest);
}

struct magnitude {
  std::uint64_t value = 0;
  bool is_negative = false;
};

std::optional<magnitude> parse_magnitude(std::string_view text) {
  magnitude made;
  if (text.starts_with('-')) made.is_negative = true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  const auto [end, wrong] =
      std::from_chars(text.data(), text.data() + text.size(), made.value, base);
  if (wrong != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return made;
}

bool is_signed(const integer_range& range) { return range.least < 0; }

parsed parse_integer(const integer_range& range, std::string_view text) {
  const auto found = parse_magnitude(text);
  if (!found) return failed(range_text(range));
  const std::uint64_t greatest_negative =
      std::uint64_t{0} - static_cast<std::uint64_t>(range.least);
  if (found->value > (found->is_negative ? greatest_negative : range.greatest))
    return failed(range_text(range));
  if (!is_signed(range)) return literal(found->value);
  return literal(static_cast<std::int64_t>(found->is_negative ? 0 - found->value : found->value));
}

parsed parse_float(type_kind kind, std::string_view text) {
  if (text == "nan") return literal(std::numeric_limits<double>::quiet_NaN());
  if (text == "inf") return literal(std::numeric_limits<double>::infinity());
  if (text == "-inf") return literal(-std::numeric_limits<double>::infinity());
  const auto right = [&] { return failed("a number such as 1.5 or 2e-3, nan, inf or -inf"); };
  double value = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (wrong != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return right();
  if (kind == type_kind::float32) {
    if (std::abs(value) > static_cast<double>(std::numeric_limits<float>::max()))
      return failed("a number that float32 can hold");
    value = static_cast<double>(static_cast<float>(value));
  }
  return literal(value);
}

int digit_of(char each) {
  if (each >= '0' && each <= '9') return each - '0';
  if (each >= 'a' && each <= 'f') return each - 'a' + 10;
  if (each >= 'A' && each <= 'F') return each - 'A' + 10;
  return -1;
}

std::optional<std::string> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]);
    const int low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

parsed parse_uuid(std::string_view text) {
  constexpr std::size_t dashes[] = {8, 13, 18, 23};
  std::string digits;
  if (text.size() == 36) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (std::ranges::count(dashes, i) == 0)
        digits += text[i];
      else if (text[i] != '-')
        digits += 'x';
    }
  }
  const auto bytes = parse_hex(digits);
  if (!bytes || bytes->size() != 16)
    return failed(
        "32 hex digits in groups of 8-4-4-4-12, such as "
        "123e4567-e89b-12d3-a456-426614174000");
  uuid_literal made;
  std::ranges::copy(*bytes, made.begin());
  return literal(made);
}

parsed parse_decimal(std::string_view text) {
  const auto right = [] {
    return failed(
        "a decimal number such as 12.50 or 125e3, its digits within int64 and its "
        "exponent from -128 to 127");
  };
  std::int64_t exponent = 0;
  if (const std::size_t e = text.find_first_of("eE"); e != std::string_view::npos) {
    const auto found = parse_magnitude(text.substr(e + 1));
    if (!found || found->value > 1000) return right();
    exponent = static_cast<std::int64_t>(found->value) * (found->is_negative ? -1 : 1);
    text = text.substr(0, e);
  }
  std::string digits(text);
  if (const std::size_t dot = digits.find('.'); dot != std::string::npos) {
    exponent -= static_cast<std::int64_t>(digits.size() - dot - 1);
    digits.erase(dot, 1);
  }
  if (digits.find_first_of("xX") != std::string::npos) return right();
  const auto mantissa = parse_integer(range_of(type_kind::int64), digits);
  if (!mantissa || exponent < -128 || exponent > 127) return right();
  return literal(
      decimal_literal{std::get<std::int64_t>(*mantissa), static_cast<std::int8_t>(exponent)});
}

parsed parse_duration(std::string_view text) {
  struct unit {
    std::string_view name;
    std::int64_t nanoseconds;
  };
  constexpr unit units[] = {{"ns", 1},
                            {"us", 1'000},
                            {"ms", 1'000'000},
                            {"s", 1'000'000'000},
                            {"m", 60'000'000'000},
                            {"h", 3'600'000'000'000}};
  const std::size_t end = std::min(text.find_first_not_of("+-0123456789"), text.size());
  const auto count = parse_integer(range_of(type_kind::int64), text.substr(0, end));
  const std::string_view name = end == text.size() ? "ns" : text.substr(end);
  const auto* chosen = std::ranges::find(units, name, &unit::name);
  std::int64_t made = 0;
  if (!count || chosen == std::end(units) ||
      __builtin_mul_overflow(std::get<std::int64_t>(*count), chosen->nanoseconds, &made))
    return failed("a whole number with a unit of ns, us, ms, s, m or h, such as 250ms");
  return literal(made);
}

parsed parse_timestamp(type_kind kind, std::string_view text) {
  if (auto number = parse_integer(range_of(kind), text)) return number;
  if (const auto found = timestamp_from_text(kind, text)) return literal(*found);
  return failed("a time such as 2025-11-10T14:32:05.123Z with no more digits than the type keeps");
}

}  // namespace

parsed parse_literal(type_kind kind, std::string_view text) {
  switch (kind) {
    case type_kind::boolean:
      if (text == "true" || text == "false") return literal(text == "true");
      return failed("true or false");
    case type_kind::float32:
    case type_kind::float64: return parse_float(kind, text);
    case type_kind::uuid: return parse_uuid(text);
    case type_kind::decimal: return parse_decimal(text);
    case type_kind::timestamp_nanos:
    case type_kind::timestamp_micros:
    case type_kind::timestamp_millis: return parse_timestamp(kind, text);
    case type_kind::duration: return parse_duration(text);
    case type_kind::string: return literal(std::string(text));
    case type_kind::bytes:
      if (auto bytes = parse_hex(text)) return literal(std::move(*bytes));
      return failed("two hex digits a byte, such as 00ff10");
    default:
      if (is_whole(kind)) return parse_integer(range_of(kind), text);
      return failed("no default: this type cannot have one");
  }
}

bool is_whole(type_kind kind) noexcept { return range_of(kind).greatest != 0; }

integer_range range_of(type_kind kind) noexcept {
  const auto of = []<class T>(T) {
    return integer_range{static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                         static_cast<std::uint64_t>(std::numeric_limits<T>::max())};
  };
  switch (kind) {
    case type_kind::int8: return of(std::int8_t{});
    case type_kind::int16: return of(std::int16_t{});
    case type_kind::int32: return of(std::int32_t{});
    case type_kind::uint8: return of(std::uint8_t{});
    case type_kind::uint16: return of(std::uint16_t{});
    case type_kind::uint32: return of(std::uint32_t{});
    case type_kind::uint64: return of(std::uint64_t{});
    case type_kind::int64:
    case type_kind::timestamp_nanos:
    case type_kind::timestamp_micros:
    case type_kind::timestamp_millis:
    case type_kind::duration: return of(std::int64_t{});
    default: return {};
  }
}

std::string literal_text(type_kind kind, const literal& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* number = std::get_if<std::uint64_t>(&value)) return std::to_string(*number);
  if (const auto* number = std::get_if<double>(&value)) return float_text(kind, *number);
  if (const auto* id = std::get_if<uuid_literal>(&value)) return uuid_text(*id);
  if (const auto* number = std::get_if<decimal_literal>(&value)) return decimal_text(*number);
  if (const auto* text = std::get_if<std::string>(&value))
    return kind == type_kind::bytes ? hex_text(*text) : *text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    const bool is_time = kind == type_kind::timestamp_nanos ||
                         kind == type_kind::timestamp_micros || kind == type_kind::timestamp_millis;
    return is_time ? timestamp_text(kind, *number) : std::to_string(*number);
  }
  return {};
}

std::string uuid_text(const uuid_literal& value) {
  std::string text = hex_text({reinterpret_cast<const char*>(value.data()), value.size()});
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

std::string decimal_text(const decimal_literal& value) {
  constexpr int fraction_digits_max = 20;
  std::string digits = std::to_string(value.mantissa);
  if (value.exponent == 0) return digits;
  if (value.exponent > 0 || value.exponent < -fraction_digits_max)
    return digits + 'e' + std::to_string(value.exponent);
  const bool is_negative = digits.starts_with('-');
  if (is_negative) digits.erase(0, 1);
  const auto fraction = static_cast<std::size_t>(-value.exponent);
  if (digits.size() <= fraction) digits.insert(0, fraction + 1 - digits.size(), '0');
  digits.insert(digits.size() - fraction, 1, '.');
  return is_negative ? '-' + digits : digits;
}

std::string float_text(type_kind kind, double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 64> text{};
  const auto written = kind == type_kind::float32
                           ? std::to_chars(text.begin(), text.end(), static_cast<float>(value))
                           : std::to_chars(text.begin(), text.end(), value);
  return {text.begin(), written.ptr};
}

std::string hex_text(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char each : bytes) {
    text += digits[static_cast<unsigned char>(each) >> 4];
    text += digits[static_cast<unsigned char>(each) & 15];
  }
  return text;
}

}  // namespace myra::schema
