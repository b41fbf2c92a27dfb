// Few flags in one byte, so that all of them are asked at once.
#pragma once

#include <cstdint>
#include <type_traits>

namespace myra {

/// `Flag`: an enum class over std::uint8_t whose values are one bit each.
template <class Flag>
class flag_set {
 public:
  constexpr flag_set() noexcept = default;

  [[nodiscard]] constexpr bool any() const noexcept { return bits_ != 0; }
  [[nodiscard]] constexpr bool has(Flag asked) const noexcept { return (bits_ & bit(asked)) != 0; }
  constexpr void add(Flag added) noexcept { bits_ |= bit(added); }
  constexpr void remove(Flag gone) noexcept { bits_ &= static_cast<std::uint8_t>(~bit(gone)); }
  constexpr void set(Flag changed, bool there) noexcept { there ? add(changed) : remove(changed); }

 private:
  static_assert(std::is_same_v<std::underlying_type_t<Flag>, std::uint8_t>);
  static constexpr std::uint8_t bit(Flag of) noexcept { return static_cast<std::uint8_t>(of); }

  std::uint8_t bits_ = 0;
};

}  // namespace myra
