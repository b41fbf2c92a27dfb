#include "json.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace myra::tool {

json_writer& json_writer::open(std::string_view name, char bracket) {
  begin_member(name);
  out_ += bracket;
  first_ = true;
  return *this;
}

json_writer& json_writer::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

json_writer& json_writer::text(std::string_view name, std::string_view value) {
  begin_member(name);
  append_string(value);
  return *this;
}

json_writer& json_writer::flag(std::string_view name, bool value) {
  return literal(name, value ? "true" : "false");
}

json_writer& json_writer::real(std::string_view name, double value) {
  if (!std::isfinite(value)) return null(name);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return literal(name, {digits, static_cast<std::size_t>(end - digits)});
}

json_writer& json_writer::literal(std::string_view name, std::string_view value) {
  begin_member(name);
  out_ += value;
  return *this;
}

void json_writer::begin_member(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  if (name.empty()) return;
  append_string(name);
  out_ += ':';
}

void json_writer::append_string(std::string_view value) {
  out_ += '"';
  for (const char letter : value) {
    if (letter == '"' || letter == '\\') {
      out_ += '\\';
      out_ += letter;
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(letter));
      out_ += escape;
    } else {
      out_ += letter;
    }
  }
  out_ += '"';
}

}  // namespace myra::tool
