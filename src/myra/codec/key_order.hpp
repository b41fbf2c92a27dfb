// The order of the keys of a map.
#pragma once

#include <string_view>
#include <type_traits>
#include <utility>

namespace myra::codec {

/// Whether `later` comes behind `earlier`: texts by their bytes (unsigned), a text behind its
/// prefixes; numbers by their value. Most keys differ in their first byte.
[[nodiscard, gnu::always_inline]] inline bool ascends(std::string_view earlier,
                                                      std::string_view later) noexcept {
  if (later.empty()) return false;
  if (earlier.empty()) return true;
  const auto one = static_cast<unsigned char>(earlier.front());
  const auto other = static_cast<unsigned char>(later.front());
  return one != other ? one < other : earlier < later;
}

template <class T>
  requires(!std::is_convertible_v<T, std::string_view>)
[[nodiscard, gnu::always_inline]] inline bool ascends(const T& earlier, const T& later) noexcept {
  if constexpr (std::is_enum_v<T>) {
    return std::to_underlying(earlier) < std::to_underlying(later);
  } else {
    return earlier < later;
  }
}

}  // namespace myra::codec
