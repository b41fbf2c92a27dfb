// Whether a connection's next send is worth a try without a copy.
#pragma once

#include <cstdint>
#include <limits>

#include "myra/reactor/zero_copy.hpp"

namespace myra {

/// The path of a connection rarely changes, so a few reports tell: after `copied_max` in a row that
/// say "copied" the connection goes on with copies, and asks again after `rest_count` sends that
/// would have qualified. Until the first report to the contrary no more than `copied_max` are with
/// the kernel at a time.
class zero_copy_policy {
 public:
  static constexpr std::uint32_t copied_max = 4;
  static constexpr std::uint16_t rest_count = 1024;
  /// More queued bytes than there ever are.
  static constexpr std::uint32_t nothing = std::numeric_limits<std::uint32_t>::max();

  enum class answer : std::uint8_t {
    copy,
    refused,  ///< Asked for, but known to be impossible: a copy as well.
    try_it,
  };

  zero_copy_policy(zero_copy_mode mode, std::uint32_t threshold_bytes, bool possible) noexcept
      : threshold_bytes_(threshold_bytes), mode_(mode), possible_(possible) {}

  /// From how many bytes on a send is to be asked about.
  [[nodiscard]] std::uint32_t from() const noexcept {
    if (mode_ == zero_copy_mode::always) return 0;
    if (mode_ == zero_copy_mode::never || !possible_) return nothing;
    return threshold_bytes_;
  }

  /// Whether only the kernel can refuse a send with this wish.
  [[nodiscard]] bool insists(zero_copy_mode wish) const noexcept {
    return (wish == zero_copy_mode::automatic ? mode_ : wish) == zero_copy_mode::always;
  }

  /// About a send of so many bytes, for which its sender wished something. `held_count`: of this
  /// connection, with the kernel now.
  [[nodiscard]] answer ask(zero_copy_mode wish, std::uint32_t size,
                           std::uint32_t held_count) noexcept {
    const zero_copy_mode mode = wish == zero_copy_mode::automatic ? mode_ : wish;
    if (mode == zero_copy_mode::never) return answer::copy;
    if (mode == zero_copy_mode::always) {
      if (!possible_) return answer::refused;
      return no_memory_ && rests() ? answer::refused : answer::try_it;
    }
    if (size < threshold_bytes_ || !possible_ || rests()) return answer::copy;
    const bool judged = trusted_ || held_count + copied_in_row_ < copied_max;
    return judged ? answer::try_it : answer::copy;
  }

  /// The kernel has let go of bytes that it sent, and says whether it copied them.
  void reported(bool copied) noexcept {
    if (!copied) {
      trusted_ = true;
      copied_in_row_ = 0;
    } else if (++copied_in_row_ == copied_max) {
      trusted_ = false;
      copied_in_row_ = 0;
      rest_left_ = rest_count;
    }
  }
  /// Not on this kind of socket.
  void impossible() noexcept { possible_ = false; }
  /// Too much memory is locked at present.
  void out_of_memory() noexcept {
    no_memory_ = true;
    rest_left_ = rest_count;
  }

 private:
  [[nodiscard]] bool rests() noexcept {
    if (rest_left_ == 0) return false;
    if (--rest_left_ == 0) no_memory_ = false;
    return true;
  }

  std::uint32_t threshold_bytes_;
  std::uint16_t rest_left_ = 0;  ///< Sends until it asks again.
  std::uint8_t copied_in_row_ = 0;
  zero_copy_mode mode_;
  bool possible_ : 1;
  bool trusted_ : 1 = false;
  bool no_memory_ : 1 = false;
};

}  // namespace myra
