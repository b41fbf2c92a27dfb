// Why receives and accepts are armed, and how often.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace myra {

/// Why a receive or an accept was armed.
enum class arm_reason : std::uint8_t {
  first,      ///< Somebody wants bytes, or connections, for the first time.
  one_shot,   ///< Each brings one buffer or one connection, and this is the next.
  resumed,    ///< It had been cancelled: a pause, a high-water mark, a limit of connections.
  no_buffer,  ///< It had ended for want of a buffer, an accept for want of descriptors or memory.
  ended,      ///< The kernel ended a multishot by itself, for instance at an overflow.
};
inline constexpr std::size_t arm_reason_count = 5;

template <class Count>
class arms_by_reason {
 public:
  void add(arm_reason why) noexcept { ++counts_[static_cast<std::size_t>(why)]; }
  [[nodiscard]] constexpr Count of(arm_reason why) const noexcept {
    return counts_[static_cast<std::size_t>(why)];
  }
  [[nodiscard]] constexpr Count total() const noexcept {
    Count sum{};
    for (const Count each : counts_) sum += each;
    return sum;
  }

 private:
  std::array<Count, arm_reason_count> counts_{};
};

}  // namespace myra
