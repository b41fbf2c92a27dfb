// The virtual clock and what is to happen: in the order of time, and of being asked for when the
// time is the same.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <functional>
#include <vector>

#include "myra/core/clock.hpp"

namespace myra::sim {

class simulation;
struct socket;
struct appointment;

using appointed = void (*)(simulation& world, const appointment& due);

/// Something that will happen. A socket that is named lives until then.
struct appointment {
  time_point at;
  std::uint64_t order = 0;
  appointed act = nullptr;
  socket* on = nullptr;
  std::uint64_t value = 0;
};

class timeline {
 public:
  [[nodiscard]] time_point now() const noexcept { return now_; }
  [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
  /// When something happens next; `never` when nothing does.
  [[nodiscard]] time_point next() const noexcept { return empty() ? never : heap_.front().at; }

  void add(appointment added) {
    added.order = ++order_;
    if (added.at < now_) added.at = now_;
    heap_.push_back(added);
    std::ranges::push_heap(heap_, later);
  }
  /// The next one, taken out; the clock moves on to it.
  [[nodiscard]] appointment take() {
    assert(!empty());
    std::ranges::pop_heap(heap_, later);
    const appointment due = heap_.back();
    heap_.pop_back();
    now_ = std::max(now_, due.at);
    return due;
  }
  void advance(time_point to) noexcept { now_ = std::max(now_, to); }

 private:
  [[nodiscard]] static bool later(const appointment& left, const appointment& right) noexcept {
    return left.at != right.at ? left.at > right.at : left.order > right.order;
  }

  /// Far from zero, which a backend takes for "do not wait".
  time_point now_{std::chrono::hours(1000)};
  std::uint64_t order_ = 0;
  std::vector<appointment> heap_;
};

}  // namespace myra::sim
