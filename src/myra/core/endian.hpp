// Integers in a stated byte order, read from and written to unaligned memory.
#pragma once

#include <bit>
#include <concepts>
#include <cstring>

#include "myra/core/bytes.hpp"

namespace myra {

enum class byte_order { big, little };

template <std::unsigned_integral T>
[[nodiscard]] constexpr T byte_swap(T value) noexcept {
  T swapped = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    swapped = static_cast<T>(static_cast<T>(swapped << 8) | static_cast<T>(value & 0xff));
    value = static_cast<T>(value >> 8);
  }
  return swapped;
}

template <>
[[nodiscard]] constexpr std::uint8_t byte_swap(std::uint8_t value) noexcept {
  return value;
}

/// Reads a T from the first sizeof(T) bytes at `source`, which need not be aligned.
template <std::unsigned_integral T>
[[nodiscard]] T load(const std::byte* source, byte_order order) noexcept {
  T value;
  std::memcpy(&value, source, sizeof value);
  const bool native = (order == byte_order::little) == (std::endian::native == std::endian::little);
  return native ? value : byte_swap(value);
}

/// Writes `value` to the first sizeof(T) bytes at `target`, which need not be aligned.
template <std::unsigned_integral T>
void store(std::byte* target, T value, byte_order order) noexcept {
  const bool native = (order == byte_order::little) == (std::endian::native == std::endian::little);
  if (!native) value = byte_swap(value);
  std::memcpy(target, &value, sizeof value);
}

}  // namespace myra
