#include "myra/schema/message_scalar.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <variant>

#include "myra/schema/layout.hpp"
#include "myra/schema/literal.hpp"
#include "myra/schema/utf8.hpp"

namespace myra::schema {
namespace {

using json = message_json;
using failed = std::unexpected<std::string>;

std::int64_t sign_extended(std::uint64_t value, std::size_t size) {
  const auto shift = static_cast<unsigned>(64 - 8 * size);
  return static_cast<std::int64_t>(value << shift) >> shift;
}

json float_json(type_kind kind, std::uint64_t bits) {
  double value = 0;
  if (kind == type_kind::float32) {
    const auto narrow = static_cast<std::uint32_t>(bits);
    float single = 0;
    std::memcpy(&single, &narrow, sizeof single);
    value = static_cast<double>(single);
  } else {
    std::memcpy(&value, &bits, sizeof value);
  }
  if (!std::isfinite(value)) return float_text(kind, value);
  return value;
}

json enum_json(const enumeration& of, std::uint64_t bits, std::size_t size) {
  const bool is_signed = range_of(of.underlying).least < 0;
  const std::int64_t number =
      is_signed ? sign_extended(bits, size) : static_cast<std::int64_t>(bits);
  const auto known =
      std::ranges::find(of.values, static_cast<std::uint64_t>(number), &enum_value::number);
  if (known != of.values.end()) return known->name;
  return is_signed ? json(number) : json(bits);
}

bool is_float(type_kind kind) { return kind == type_kind::float32 || kind == type_kind::float64; }

/// Whether JSON of that sort may write a value of that kind.
bool is_of_sort(type_kind kind, const json& given) {
  const bool is_text = kind == type_kind::uuid || kind == type_kind::decimal;
  if (kind == type_kind::boolean) return given.is_boolean();
  if (given.is_string()) return is_text || is_float(kind) || kind >= type_kind::timestamp_nanos;
  if (is_float(kind)) return given.is_number();
  return given.is_number_integer() && !is_text;
}

std::expected<literal, std::string> float_of(type_kind kind, const json& given) {
  const auto value = given.get<double>();
  if (kind == type_kind::float32 &&
      std::abs(value) > static_cast<double>(std::numeric_limits<float>::max()))
    return failed("a number that float32 can hold");
  return value;
}

void put_float(std::string& out, double value, std::size_t size) {
  if (size == 4) {
    const auto narrow = static_cast<float>(value);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &narrow, sizeof bits);
    put_number(out, bits, 4);
  } else {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    put_number(out, bits, 8);
  }
}

}  // namespace

std::uint64_t little_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void put_number(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(value >> (8 * i));
}

json scalar_json(const model& schema, const type& of, std::string_view bytes) {
  const type_kind kind = of.kind;
  if (kind == type_kind::uuid) {
    uuid_literal id{};
    std::ranges::copy(bytes, id.begin());
    return uuid_text(id);
  }
  if (kind == type_kind::decimal)
    return decimal_text({static_cast<std::int64_t>(little_endian(bytes.substr(0, 8))),
                         static_cast<std::int8_t>(bytes[8])});
  const std::uint64_t bits = little_endian(bytes);
  if (kind == type_kind::boolean) return bits != 0;
  if (is_float(kind)) return float_json(kind, bits);
  if (kind == type_kind::enumeration) return enum_json(schema.enums[of.index], bits, bytes.size());
  if (range_of(kind).least == 0) return bits;
  const std::int64_t number = sign_extended(bits, bytes.size());
  if (kind <= type_kind::int64 || kind == type_kind::duration) return number;
  const std::string text = timestamp_text(kind, number);
  return text.ends_with('Z') ? json(text) : json(number);
}

json text_json(type_kind kind, std::string_view text) {
  if (kind == type_kind::bytes) return hex_text(text);
  if (is_utf8(text)) return std::string(text);
  return json{{"hex", hex_text(text)}};
}

std::expected<literal, std::string> scalar_of(const model& schema, const type& of,
                                              const json& given) {
  const bool is_enum = of.kind == type_kind::enumeration;
  if (is_enum && given.is_string()) {
    const enumeration& names = schema.enums[of.index];
    const auto known = std::ranges::find(names.values, given.get<std::string>(), &enum_value::name);
    if (known == names.values.end()) return failed("a value of enum " + names.name);
    return known->number;
  }
  const type_kind kind = is_enum ? schema.enums[of.index].underlying : of.kind;
  if (!is_of_sort(kind, given))
    return failed(kind == type_kind::boolean ? "true or false" : std::string(kind_name(kind)));
  // Floats by value: their text would be cut.
  if (is_float(kind) && given.is_number()) return float_of(kind, given);
  return parse_literal(kind, given.is_string() ? given.get<std::string>() : given.dump());
}

std::expected<std::string, std::string> text_of(type_kind kind, const json& given) {
  const bool is_hex = given.is_object() && given.size() == 1 && given.contains("hex");
  const json& text = is_hex ? given["hex"] : given;
  if (!text.is_string()) return failed("a text");
  if (kind == type_kind::string && !is_hex) return text.get<std::string>();
  auto bytes = parse_literal(type_kind::bytes, text.get<std::string>());
  if (!bytes) return failed(bytes.error());
  return std::get<std::string>(std::move(*bytes));
}

void put_literal(std::string& out, const model& schema, const type& of, const literal& value) {
  const std::size_t size = value_size_bytes(schema, type{of.kind, of.index, 0, {}});
  if (const auto* truth = std::get_if<bool>(&value)) put_number(out, *truth ? 1 : 0, size);
  if (const auto* number = std::get_if<std::uint64_t>(&value)) put_number(out, *number, size);
  if (const auto* number = std::get_if<std::int64_t>(&value))
    put_number(out, static_cast<std::uint64_t>(*number), size);
  if (const auto* number = std::get_if<double>(&value)) put_float(out, *number, size);
  if (const auto* number = std::get_if<decimal_literal>(&value)) {
    put_number(out, static_cast<std::uint64_t>(number->mantissa), 8);
    put_number(out, static_cast<std::uint8_t>(number->exponent), 1);
  }
  if (const auto* id = std::get_if<uuid_literal>(&value)) out.append(id->begin(), id->end());
}

/// Big-endian with the sign turned over.
std::string key_order(const model& schema, const type& of, std::string bytes) {
  const type_kind kind =
      of.kind == type_kind::enumeration ? schema.enums[of.index].underlying : of.kind;
  if (kind == type_kind::string || kind == type_kind::uuid) return bytes;
  std::ranges::reverse(bytes);
  if (range_of(kind).least < 0) bytes[0] = static_cast<char>(bytes[0] ^ '\x80');
  return bytes;
}

}  // namespace myra::schema
