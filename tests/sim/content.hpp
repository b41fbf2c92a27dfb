// Bytes that tell where they belong: each follows from its connection and its place in the stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "myra/core/bytes.hpp"
#include "myra/io/sim/random.hpp"

namespace myra::simtest {

[[nodiscard]] inline std::byte content_at(std::uint64_t connection, std::uint64_t offset) noexcept {
  const std::uint64_t eight = sim::mix(connection << 32 | offset / 8);
  return static_cast<std::byte>(eight >> (offset % 8 * 8));
}

[[nodiscard]] inline std::string content(std::uint64_t connection, std::uint64_t offset,
                                         std::size_t size) {
  std::string made(size, '\0');
  for (std::size_t i = 0; i < size; ++i)
    made[i] = static_cast<char>(content_at(connection, offset + i));
  return made;
}

[[nodiscard]] inline bool is_content(std::uint64_t connection, std::uint64_t offset,
                                     byte_view bytes) noexcept {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != content_at(connection, offset + i)) return false;
  return true;
}

}  // namespace myra::simtest
