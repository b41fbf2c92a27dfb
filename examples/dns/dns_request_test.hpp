// Requests as resolvers make them, for tests.
#pragma once

#include <string>
#include <string_view>

#include "dns_message.hpp"

namespace dns {

inline std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}

/// "www.example.test" as bytes, in the case that it is given in.
inline std::string name_bytes(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const std::string_view label = text.substr(0, text.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    text.remove_prefix(std::min(label.size() + 1, text.size()));
  }
  return bytes + '\0';
}

inline std::string request(std::string_view name, record_type type, unsigned flags = 0x0100) {
  return u16(0x1234) + u16(flags) + u16(1) + u16(0) + u16(0) + u16(0) + name_bytes(name) +
         u16(static_cast<unsigned>(type)) + u16(1);
}

inline std::string with_edns(std::string of, unsigned size, unsigned version = 0) {
  of[11] = 1;
  return of + '\0' + u16(41) + u16(size) + u16(version) + u16(0) + u16(0);
}

}  // namespace dns
