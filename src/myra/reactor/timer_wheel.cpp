#include "myra/reactor/timer_wheel.hpp"

#include <bit>

namespace myra {
namespace {

constexpr std::uint64_t no_tick = ~std::uint64_t{0};

}  // namespace

timer_wheel::~timer_wheel() {
  const auto disarm_all = [](slot_list& list) {
    while (list.pop_front() != nullptr) {
    }
  };
  for (auto& level : wheel_)
    for (slot_list& list : level) disarm_all(list);
  disarm_all(far_);
  disarm_all(due_);
}

std::uint64_t timer_wheel::tick_of(time_point deadline) const noexcept {
  if (deadline <= start_) return 0;
  const duration since = deadline - start_;
  // Rounded up: a timer never fires early.
  return static_cast<std::uint64_t>(since / tick) + (since % tick == duration::zero() ? 0U : 1U);
}

time_point timer_wheel::time_of(std::uint64_t ticks) const noexcept {
  return start_ + tick * static_cast<duration::rep>(ticks);
}

void timer_wheel::arm(timer& armed, time_point deadline) noexcept {
  armed.unlink();
  if (deadline == never) return;
  armed.deadline_ = deadline;
  place(armed);
}

void timer_wheel::place(timer& placed) noexcept {
  const std::uint64_t due = tick_of(placed.deadline_);
  if (due <= now_tick_) {
    due_.push_back(placed);
    return;
  }
  const unsigned highest = static_cast<unsigned>(std::bit_width(due ^ now_tick_)) - 1;
  const unsigned level = highest / level_bits;
  if (level >= levels) {
    far_.push_back(placed);
    return;
  }
  const auto index = static_cast<unsigned>(due >> (level * level_bits)) % slots;
  occupied_[level] |= std::uint64_t{1} << index;
  wheel_[level][index].push_back(placed);
}

timer_wheel::event timer_wheel::next_event() const noexcept {
  // Asked twice a turn, and most of the time most loops have no timers.
  static_assert(levels == 4);
  if ((occupied_[0] | occupied_[1] | occupied_[2] | occupied_[3]) == 0 && far_.empty())
    return {no_tick, nullptr};
  for (unsigned level = 0; level < levels; ++level) {
    while (occupied_[level] != 0) {
      const auto index = static_cast<unsigned>(std::countr_zero(occupied_[level]));
      slot_list& list = wheel_[level][index];
      if (list.empty()) {
        occupied_[level] &= occupied_[level] - 1;
        continue;
      }
      const unsigned shift = level * level_bits;
      const std::uint64_t round = now_tick_ >> (shift + level_bits) << (shift + level_bits);
      return {round | (std::uint64_t{index} << shift), &list};
    }
  }
  if (far_.empty()) return {no_tick, nullptr};
  constexpr unsigned span_bits = levels * level_bits;
  return {((now_tick_ >> span_bits) + 1) << span_bits, &far_};
}

void timer_wheel::collect(std::uint64_t until) noexcept {
  for (event next = next_event(); next.tick <= until && next.list != nullptr; next = next_event()) {
    now_tick_ = next.tick;
    slot_list moved;
    moved.append(*next.list);
    while (timer* each = moved.pop_front()) place(*each);
  }
  now_tick_ = until;
}

std::uint32_t timer_wheel::advance(time_point now) noexcept {
  if (now > start_) {
    const auto reached = static_cast<std::uint64_t>((now - start_) / tick);
    if (reached > now_tick_) collect(reached);
  }
  // Taken aside, so that what the callbacks arm for moments that have passed waits for the next
  // call.
  slot_list firing;
  firing.append(due_);
  std::uint32_t fired = 0;
  while (timer* each = firing.pop_front()) {
    ++fired;
    each->on_fire_(*each);
  }
  return fired;
}

time_point timer_wheel::next() const noexcept {
  if (!due_.empty()) return time_of(now_tick_);
  const event next = next_event();
  return next.list == nullptr ? never : time_of(next.tick);
}

}  // namespace myra
