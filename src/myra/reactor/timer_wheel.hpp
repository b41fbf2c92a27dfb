// Deadlines in user space: arming, moving and cancelling one costs O(1) and no kernel entry.
//
// A hierarchical wheel (Varghese and Lauck, 1987) of four levels of 64 slots with a tick of one
// millisecond. A timer never fires early; it fires in the first turn whose clock has reached its
// deadline rounded up to the tick. Timers of one tick fire in the order in which they were armed.
//
// A timer lies in the level of the highest digit (of six bits) in which its tick differs from the
// present one, in the slot of that digit. So all timers of one tick lie in one slot at any time,
// and what lies in a lower level is due before all that lies in a higher one. Timers beyond the
// four levels (4.6 hours) wait in a list of their own for the next round.
#pragma once

#include <array>
#include <cstdint>

#include "myra/core/clock.hpp"
#include "myra/core/intrusive_list.hpp"

namespace myra {

struct timer_tag;

/// Owned by whoever wants to be called. Its destruction disarms it; a callback may destroy its own
/// timer.
class timer : public list_node<timer_tag> {
 public:
  using callback = void (*)(timer& fired) noexcept;
  explicit timer(callback on_fire) noexcept : on_fire_(on_fire) {}
  ~timer() { unlink(); }

  [[nodiscard]] bool armed() const noexcept { return linked(); }
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  /// Nothing happens any more. Harmless when not armed.
  void disarm() noexcept { unlink(); }

 private:
  friend class timer_wheel;
  callback on_fire_;
  time_point deadline_{};
};

class timer_wheel {
 public:
  static constexpr duration tick = std::chrono::milliseconds(1);

  explicit timer_wheel(time_point start) noexcept : start_(start) {}
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;
  /// Disarms what is still armed.
  ~timer_wheel();

  /// Arms `armed` for `deadline`, wherever it was armed before. `never` disarms it.
  void arm(timer& armed, time_point deadline) noexcept;

  /// Fires what is due at `now`. A timer armed by a callback for a moment that has passed fires in
  /// the next call. Returns how many fired. A clock that went back fires nothing early.
  std::uint32_t advance(time_point now) noexcept;

  /// A moment at which `advance` will have work, not later than the next deadline's tick; `never`
  /// when nothing is armed.
  [[nodiscard]] time_point next() const noexcept;

 private:
  static constexpr unsigned level_bits = 6;
  static constexpr unsigned slots = 1U << level_bits;
  static constexpr unsigned levels = 4;
  using slot_list = intrusive_list<timer, timer_tag>;

  /// What is to be done next: from `tick` on, the timers of `list` lie somewhere else.
  struct event {
    std::uint64_t tick;
    slot_list* list;
  };

  [[nodiscard]] std::uint64_t tick_of(time_point deadline) const noexcept;
  [[nodiscard]] time_point time_of(std::uint64_t tick) const noexcept;
  void place(timer& placed) noexcept;
  [[nodiscard]] event next_event() const noexcept;
  void collect(std::uint64_t until) noexcept;

  time_point start_;
  std::uint64_t now_tick_ =
      0;  ///< What was armed for ticks up to this one has been fired, or is in due_.
  /// A bit for each slot that may have timers: timers leave without telling.
  mutable std::array<std::uint64_t, levels> occupied_{};
  mutable std::array<std::array<slot_list, slots>, levels> wheel_;
  mutable slot_list far_;  ///< Beyond the levels.
  slot_list due_;          ///< To be fired by the next call of advance().
};

}  // namespace myra
