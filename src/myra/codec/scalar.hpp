// Values of fixed size: how they look in C++ and in the bytes.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "myra/codec/wire.hpp"

namespace myra::codec {

/// 16 bytes in the order in which the text form shows them.
struct uuid {
  std::array<std::byte, 16> bytes{};

  friend constexpr auto operator<=>(const uuid&, const uuid&) = default;
};

/// mantissa * 10^exponent. Two that look different may be the same number; equality is of the two
/// parts.
struct decimal {
  std::int64_t mantissa = 0;
  std::int8_t exponent = 0;

  friend constexpr bool operator==(const decimal&, const decimal&) = default;
};

/// Times since 1970-01-01T00:00:00Z, without leap seconds.
using timestamp_nanos = std::chrono::sys_time<std::chrono::nanoseconds>;
using timestamp_micros = std::chrono::sys_time<std::chrono::microseconds>;
using timestamp_millis = std::chrono::sys_time<std::chrono::milliseconds>;
using duration = std::chrono::nanoseconds;

/// How a type of fixed size lies in the bytes: its size there, and how it is read and written.
template <class T>
struct scalar_traits;

template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
struct scalar_traits<T> {
  static constexpr std::size_t size = sizeof(T);
  [[gnu::always_inline]] static T get(const std::byte* from) noexcept { return read<T>(from); }
  [[gnu::always_inline]] static void put(std::byte* to, T value) noexcept { write(to, value); }
};

template <>
struct scalar_traits<uuid> {
  static constexpr std::size_t size = 16;
  static uuid get(const std::byte* from) noexcept {
    uuid value;
    std::memcpy(value.bytes.data(), from, size);
    return value;
  }
  static void put(std::byte* to, const uuid& value) noexcept {
    std::memcpy(to, value.bytes.data(), size);
  }
};

template <>
struct scalar_traits<decimal> {
  static constexpr std::size_t size = 9;
  static decimal get(const std::byte* from) noexcept {
    return {read<std::int64_t>(from), read<std::int8_t>(from + 8)};
  }
  static void put(std::byte* to, decimal value) noexcept {
    write(to, value.mantissa);
    write(to + 8, value.exponent);
  }
};

template <class Period>
struct scalar_traits<std::chrono::duration<std::int64_t, Period>> {
  using value_type = std::chrono::duration<std::int64_t, Period>;
  static constexpr std::size_t size = 8;
  static value_type get(const std::byte* from) noexcept {
    return value_type(read<std::int64_t>(from));
  }
  static void put(std::byte* to, value_type value) noexcept { write(to, value.count()); }
};

template <class Duration>
struct scalar_traits<std::chrono::sys_time<Duration>> {
  static constexpr std::size_t size = 8;
  static std::chrono::sys_time<Duration> get(const std::byte* from) noexcept {
    return std::chrono::sys_time<Duration>(scalar_traits<Duration>::get(from));
  }
  static void put(std::byte* to, std::chrono::sys_time<Duration> value) noexcept {
    scalar_traits<Duration>::put(to, value.time_since_epoch());
  }
};

template <class T, std::size_t Count>
struct scalar_traits<std::array<T, Count>> {
  static constexpr std::size_t size = Count * scalar_traits<T>::size;
  static std::array<T, Count> get(const std::byte* from) noexcept {
    std::array<T, Count> values{};
    for (std::size_t i = 0; i < Count; ++i)
      values[i] = scalar_traits<T>::get(from + i * scalar_traits<T>::size);
    return values;
  }
  static void put(std::byte* to, const std::array<T, Count>& values) noexcept {
    for (std::size_t i = 0; i < Count; ++i)
      scalar_traits<T>::put(to + i * scalar_traits<T>::size, values[i]);
  }
};

template <class T>
concept scalar = requires { scalar_traits<T>::size; };

/// Whether a run of T in memory is the very bytes of the wire.
template <class T>
inline constexpr bool lies_as_in_memory =
    (std::is_arithmetic_v<T> || std::is_enum_v<T>) &&
    (sizeof(T) == 1 || std::endian::native == std::endian::little);

}  // namespace myra::codec
