#include "myra/schema/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace myra::schema {
namespace {

/// How many bytes the first character has; 0 where it is malformed.
std::size_t first_size(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((at(i) & 0xc0) != 0x80) return 0;
  if (first == 0xe0 && at(1) < 0xa0) return 0;
  if (first == 0xed && at(1) > 0x9f) return 0;
  if (first == 0xf0 && at(1) < 0x90) return 0;
  return first == 0xf4 && at(1) > 0x8f ? 0 : size;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept { return utf8_size(text) == text.size(); }

std::size_t utf8_size(std::string_view text) noexcept {
  std::size_t good = 0;
  while (good < text.size()) {
    const std::size_t size = first_size(text.substr(good));
    if (size == 0) break;
    good += size;
  }
  return good;
}

}  // namespace myra::schema
