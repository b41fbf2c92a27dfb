// Numbers that look random and follow from a seed alone, the same with every compiler and library.
#pragma once

#include <cstdint>

namespace myra::sim {

/// The finisher of SplitMix64 (Steele, Lea and Flood, 2014): each bit of the result depends on each
/// bit of `value`.
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t value) noexcept {
  value += 0x9e3779b97f4a7c15;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

class random {
 public:
  explicit constexpr random(std::uint64_t seed) noexcept : state_(mix(seed)) {}

  constexpr std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    return mix(state_);
  }
  /// From 0 to `limit` - 1; 0 for a limit of 0.
  constexpr std::uint64_t below(std::uint64_t limit) noexcept {
    return limit == 0 ? 0 : next() % limit;
  }
  /// From `least` to `most`, both included.
  constexpr std::uint64_t between(std::uint64_t least, std::uint64_t most) noexcept {
    return least + below(most - least + 1);
  }
  /// True so many times in a thousand.
  constexpr bool chance(unsigned per_mille) noexcept { return below(1000) < per_mille; }

 private:
  std::uint64_t state_;
};

}  // namespace myra::sim
