// JSON to print (RFC 8259): objects and arrays, written in the order of the calls.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace myra::tool {

class json_writer {
 public:
  json_writer& begin_object(std::string_view name = {}) { return open(name, '{'); }
  json_writer& end_object() { return close('}'); }
  json_writer& begin_array(std::string_view name) { return open(name, '['); }
  json_writer& end_array() { return close(']'); }

  json_writer& text(std::string_view name, std::string_view value);
  json_writer& flag(std::string_view name, bool value);
  json_writer& null(std::string_view name) { return literal(name, "null"); }
  template <std::unsigned_integral T>
  json_writer& number(std::string_view name, T value) {
    return literal(name, std::to_string(value));
  }

  /// A number that JSON can say; null where it cannot, as for infinity.
  json_writer& real(std::string_view name, double value);

  [[nodiscard]] const std::string& str() const noexcept { return out_; }

 private:
  json_writer& open(std::string_view name, char bracket);
  json_writer& close(char bracket);
  json_writer& literal(std::string_view name, std::string_view value);
  void begin_member(std::string_view name);
  void append_string(std::string_view value);

  std::string out_;
  bool first_ = true;
};

}  // namespace myra::tool
