// What may be expected to fail returns a result: the value, or a std::error_code that compares
// equal to the portable conditions of myra/core/error.hpp.
#pragma once

#include <expected>
#include <system_error>

namespace myra {

template <class T>
using result = std::expected<T, std::error_code>;

[[nodiscard]] inline std::unexpected<std::error_code> failure(std::error_code code) noexcept {
  return std::unexpected<std::error_code>(code);
}

template <class Enum>
  requires std::is_error_code_enum<Enum>::value
[[nodiscard]] std::unexpected<std::error_code> failure(Enum code) noexcept {
  return std::unexpected<std::error_code>(make_error_code(code));
}

}  // namespace myra
