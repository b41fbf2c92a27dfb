#include "myra/schema/generate_types.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <variant>

namespace myra::schema {
namespace {

constexpr std::array<std::string_view, 17> scalar_types{
    "bool",
    "std::int8_t",
    "std::int16_t",
    "std::int32_t",
    "std::int64_t",
    "std::uint8_t",
    "std::uint16_t",
    "std::uint32_t",
    "std::uint64_t",
    "float",
    "double",
    "::myra::codec::uuid",
    "::myra::codec::decimal",
    "::myra::codec::timestamp_nanos",
    "::myra::codec::timestamp_micros",
    "::myra::codec::timestamp_millis",
    "::myra::codec::duration",
};

std::string qualified(const model& schema, std::uint32_t file, std::string_view name) {
  std::string text;
  for (const std::string& part : schema.files[file].name_space) text += "::" + part;
  return text + "::" + std::string(name);
}

std::string element_type(const model& schema, const type& of) {
  switch (of.kind) {
    case type_kind::enumeration: return cpp_name(schema, schema.enums[of.index]);
    case type_kind::string: return "std::string_view";
    case type_kind::bytes: return "::myra::byte_view";
    case type_kind::message: return cpp_name(schema, schema.messages[of.index], "_view");
    case type_kind::map:
      return "::myra::codec::map_view<" + cpp_type(schema, of.parameters[0]) + ", " +
             cpp_type(schema, of.parameters[1]) + ">";
    case type_kind::oneof: return "::myra::byte_view";
    default: return std::string(scalar_types[static_cast<std::size_t>(of.kind)]);
  }
}

template <class Number>
std::string digits(Number value) {
  std::array<char, 64> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string float_literal(type_kind kind, double value) {
  const bool is_float = kind == type_kind::float32;
  if (!std::isfinite(value)) {
    return is_float ? "std::bit_cast<float>(std::uint32_t{" +
                          digits(std::bit_cast<std::uint32_t>(static_cast<float>(value))) + "u})"
                    : "std::bit_cast<double>(std::uint64_t{" +
                          digits(std::bit_cast<std::uint64_t>(value)) + "u})";
  }
  std::string text = is_float ? digits(static_cast<float>(value)) : digits(value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return is_float ? text + "f" : text;
}

std::string integer_literal(const std::string& type, std::int64_t value) {
  if (value == INT64_MIN) return type + "{INT64_MIN}";
  return type + "{" + digits(value) + "}";
}

std::string uuid_text(const uuid_literal& value) {
  std::string text = "::myra::codec::uuid{{";
  for (std::size_t i = 0; i < value.size(); ++i)
    text += (i == 0 ? "std::byte{" : ", std::byte{") + digits(unsigned{value[i]}) + "}";
  return text + "}}";
}

bool is_time(type_kind kind) {
  return kind >= type_kind::timestamp_nanos && kind <= type_kind::timestamp_millis;
}

std::string commented(std::string_view left, std::string_view indent, std::string_view mark) {
  std::string text;
  while (!left.empty()) {
    const std::size_t end = left.find('\n');
    std::string line(left.substr(0, end));
    // A backslash at the end would go on with the comment on the next line.
    while (!line.empty() && (line.back() == '\\' || line.back() == '\r' || line.back() == ' '))
      line.pop_back();
    text += std::string(indent) + std::string(mark) + (line.empty() ? "" : " " + line) + "\n";
    left = end == std::string_view::npos ? std::string_view() : left.substr(end + 1);
  }
  return text;
}

/// A literal for an attribute: compilers take no numeric escapes there.
std::string note_literal(std::string_view note) {
  std::string text = "\"";
  for (const char one : note) {
    const auto code = static_cast<unsigned char>(one);
    if (one == '\n') {
      text += "\\n";
    } else if (one == '\t') {
      text += "\\t";
    } else if (code >= 0x20 && code != 0x7f) {
      if (one == '"' || one == '\\' || one == '?') text += '\\';
      text += one;
    }
  }
  return text + "\"";
}

}  // namespace

std::string cpp_name(const model& schema, const enumeration& named) {
  return qualified(schema, named.file, named.name);
}

std::string cpp_name(const model& schema, const message& named, std::string_view suffix) {
  return qualified(schema, named.file, named.name + std::string(suffix));
}

std::string cpp_type(const model& schema, const type& of) {
  std::string one = element_type(schema, of);
  if (of.array_count == 0) return one;
  return "std::array<" + one + ", " + digits(of.array_count) + ">";
}

std::string cpp_view_type(const model& schema, const field& of) {
  if (is_repeated(of.given)) {
    const char* list = has_slot(of.value) ? "list_view<" : "scalar_list<";
    return std::string("::myra::codec::") + list + cpp_type(schema, of.value) + ">";
  }
  if (of.value.array_count > 0)
    return "::myra::codec::scalar_list<" + element_type(schema, of.value) + ">";
  return element_type(schema, of.value);
}

std::string cpp_literal(const model& schema, const type& of, const literal& value) {
  const std::string name = cpp_type(schema, of);
  if (const auto* text = std::get_if<std::string>(&value)) {
    const std::string view =
        "std::string_view(" + cpp_string(*text) + ", " + digits(text->size()) + ")";
    return of.kind == type_kind::bytes ? "::myra::as_bytes(" + view + ")" : view;
  }
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<double>(&value)) return float_literal(of.kind, *number);
  if (const auto* id = std::get_if<uuid_literal>(&value)) return uuid_text(*id);
  if (const auto* fraction = std::get_if<decimal_literal>(&value))
    return name + "{" + integer_literal("std::int64_t", fraction->mantissa) + ", " +
           digits(int{fraction->exponent}) + "}";
  if (const auto* number = std::get_if<std::uint64_t>(&value))
    return name + "{" + digits(*number) + "u}";
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (is_time(of.kind))
      return name + "(" + name + "::duration(" + integer_literal("std::int64_t", *number) + "))";
    if (of.kind == type_kind::duration)
      return name + "(" + integer_literal("std::int64_t", *number) + ")";
    return integer_literal(name, *number);
  }
  return name + "{}";
}

std::string cpp_default(const model& schema, const field& of) {
  if (has_default(of)) return cpp_literal(schema, of.value, of.default_value);
  return cpp_view_type(schema, of) + "{}";
}

std::string cpp_region(const field_layout& at) {
  return (at.in_base ? "block_.bytes(" : "block_.late_bytes(") + digits(at.placed.slot) + ")";
}

std::string cpp_has_place(const placement& placed) {
  if (placed.slot != placement::none) return "block_.has_slot(" + digits(placed.slot) + ")";
  if (placed.value_bit != placement::none)
    return "block_.has_bit(" + digits(placed.value_bit) + ")";
  return "block_.has_scalar(" + digits(placed.offset_bytes) + ", " + digits(placed.size_bytes) +
         ")";
}

std::string cpp_is_present(const field_layout& at) {
  const std::string bit = digits(at.placed.bit);
  std::string text;
  // A message may end between the bit and what it speaks of.
  if (!at.in_base) text = "block_.has_bit(" + bit + ") && " + cpp_has_place(at.placed) + " && ";
  return text + "block_.bit(" + bit + ")";
}

bool has_default(const field& of) noexcept {
  return !std::holds_alternative<std::monostate>(of.default_value);
}

bool is_lone_bool(const field& of) noexcept {
  return of.value.kind == type_kind::boolean && of.value.array_count == 0 && !is_repeated(of.given);
}

bool is_text(const field& of) noexcept {
  return (of.value.kind == type_kind::string || of.value.kind == type_kind::bytes) &&
         !is_repeated(of.given);
}

std::string cpp_string(std::string_view bytes) {
  constexpr std::string_view hex = "01234567";
  std::string text = "\"";
  for (const char one : bytes) {
    const auto code = static_cast<unsigned char>(one);
    if (one == '"' || one == '\\') {
      text += '\\';
      text += one;
    } else if (code >= 0x20 && code < 0x7f && one != '?') {
      text += one;
    } else {  // Three octal digits end by themselves, which hex digits do not.
      text += '\\';
      text += hex[code >> 6];
      text += hex[code >> 3 & 7];
      text += hex[code & 7];
    }
  }
  return text + "\"";
}

std::string cpp_comment(const declaration& of, std::string_view indent) {
  return commented(of.doc, indent, "///");
}

std::string cpp_comment(std::string_view doc) { return commented(doc, "", "//"); }

std::string cpp_deprecated(const declaration& of) {
  if (!of.deprecated) return {};
  return of.deprecation_note.empty() ? "[[deprecated]] "
                                     : "[[deprecated(" + note_literal(of.deprecation_note) + ")]] ";
}

const field& marked(const field* alternative, const field& of) noexcept {
  return alternative != nullptr && alternative->deprecated ? *alternative : of;
}

}  // namespace myra::schema
