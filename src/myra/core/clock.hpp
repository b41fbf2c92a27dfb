// Time. Deadlines are points of the monotonic clock (CLOCK_MONOTONIC, clock_gettime(2)), so that
// setting the wall clock moves none of them. A backend may bring a clock of its own; ask the
// reactor, not the system.
#pragma once

#include <chrono>
#include <ctime>

namespace myra {

using clock = std::chrono::steady_clock;
using time_point = clock::time_point;
using duration = clock::duration;

/// CLOCK_MONOTONIC_COARSE: the clock of the last timer interrupt, read in a tenth of the time.
[[nodiscard]] inline time_point rough_now() noexcept {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return time_point(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

/// The deadline that never comes.
inline constexpr time_point never = time_point::max();

/// `now + delay`, held at `never` instead of overflowing.
[[nodiscard]] constexpr time_point after(time_point now, duration delay) noexcept {
  return delay >= never - now ? never : now + delay;
}

}  // namespace myra
