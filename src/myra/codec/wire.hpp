// The numbers of the wire format (docs/wire-format.md), and how they are read and written: little
// endian, at any address.
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "myra/core/bytes.hpp"
#include "myra/core/endian.hpp"

namespace myra::codec {

/// How many bytes an end, a count or a length takes: 2 in messages of up to 65,535 bytes, 4 in
/// larger ones. The first byte of a message says which.
enum class width : std::uint8_t { narrow = 2, wide = 4 };

/// The first byte of a message: the version of the format (1) and the width.
[[nodiscard]] constexpr std::uint8_t format_byte(width chosen) noexcept {
  return static_cast<std::uint8_t>(0x10 | static_cast<unsigned>(chosen));
}

inline constexpr std::size_t format_size_bytes = 1;
/// The header of a message: how many ends it has (1 byte) and the size of its scalars (2 bytes).
inline constexpr std::size_t shape_size_bytes = 3;
/// The tag before the value of a oneof.
inline constexpr std::size_t choice_tag_size_bytes = 2;
inline constexpr std::size_t slot_count_max = 255;
inline constexpr std::size_t scalar_size_max_bytes = 65535;

[[nodiscard]] constexpr std::size_t size_of(width chosen) noexcept {
  return static_cast<std::size_t>(chosen);
}

/// The header of a list: its count, and the shape of its elements.
[[nodiscard]] constexpr std::size_t list_header_size_bytes(width chosen) noexcept {
  return size_of(chosen) + shape_size_bytes;
}

/// What is known of a verified message, and of all that is inside of it. In most messages every
/// shape is the one that the reader's own version writes: those are read without a look at the
/// shapes.
enum class form : std::uint8_t { known, narrow, wide };

[[nodiscard]] constexpr width width_of(form found) noexcept {
  return found == form::wide ? width::wide : width::narrow;
}

namespace detail {
template <std::size_t Size>
using unsigned_of_size = std::conditional_t<
    Size == 1, std::uint8_t,
    std::conditional_t<Size == 2, std::uint16_t,
                       std::conditional_t<Size == 4, std::uint32_t, std::uint64_t>>>;
}  // namespace detail

/// A number, a float or an enum whose bytes lie at `source`.
template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
[[nodiscard, gnu::always_inline]] inline T read(const std::byte* source) noexcept {
  using bits = detail::unsigned_of_size<sizeof(T)>;
  if constexpr (std::same_as<T, bool>) {
    return *source != std::byte{0};
  } else {
    return std::bit_cast<T>(load<bits>(source, byte_order::little));
  }
}

template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
[[gnu::always_inline]] inline void write(std::byte* target, T value) noexcept {
  using bits = detail::unsigned_of_size<sizeof(T)>;
  store(target, std::bit_cast<bits>(value), byte_order::little);
}

/// An end, a count or a length of the width.
template <width W>
[[nodiscard, gnu::always_inline]] inline std::uint32_t read_size(const std::byte* source) noexcept {
  return read<detail::unsigned_of_size<size_of(W)>>(source);
}

[[nodiscard, gnu::always_inline]] inline std::uint32_t read_size(const std::byte* source,
                                                                 width chosen) noexcept {
  return chosen == width::narrow ? read_size<width::narrow>(source)
                                 : read_size<width::wide>(source);
}

template <width W>
[[gnu::always_inline]] inline void write_size(std::byte* target, std::size_t value) noexcept {
  using stored = detail::unsigned_of_size<size_of(W)>;
  write(target, static_cast<stored>(value));
}

}  // namespace myra::codec
