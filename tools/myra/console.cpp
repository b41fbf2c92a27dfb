#include "console.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace myra::tool {
namespace {

const char* code_of(colour chosen) noexcept {
  switch (chosen) {
    case colour::none: return "";
    case colour::green: return "\033[32m";
    case colour::yellow: return "\033[33m";
    case colour::red: return "\033[31m";
    case colour::bold: return "\033[1m";
  }
  return "";
}

}  // namespace

bool colours_wanted() noexcept {
  const char* refused = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (refused == nullptr || *refused == '\0');
}

std::string paint(std::string_view text, colour chosen, bool enabled) {
  if (!enabled || chosen == colour::none) return std::string(text);
  return code_of(chosen) + std::string(text) + "\033[0m";
}

std::string size_text(double bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(units)) {
    bytes /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text;
}

std::string count_text(unsigned long long count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

}  // namespace myra::tool
