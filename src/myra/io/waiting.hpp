// How a turn waits for the kernel, and the spinning part of it, which the backends share.
#pragma once

#include "myra/core/clock.hpp"

namespace myra::io {

enum class waiting {
  block,            ///< Sleeps in the kernel until something completes.
  spin,             ///< Never sleeps: lowest latency for a whole core.
  spin_then_block,  ///< Looks for a while, and sleeps when nothing came.
};

/// Tells the processor that this is a loop that waits, which leaves its twin more of the core.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Calls `look` until it says true or `end` has passed; whether it said so. The clock is read once
/// in `looks_per_clock` looks: one for those that enter the kernel, more for those that only read
/// memory.
template <class Look>
[[nodiscard]] bool spin_until(time_point end, int looks_per_clock, Look look) noexcept {
  do {
    for (int i = 0; i < looks_per_clock; ++i) {
      if (look()) return true;
      relax();
    }
  } while (clock::now() < end);
  return false;
}

}  // namespace myra::io
