// How a turn of the io_uring backend waits.
#include "myra/io/waiting.hpp"

#include <algorithm>
#include <cerrno>

#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {

int uring_backend::enter(time_point deadline, time_point now) noexcept {
  const bool to_do = deadline == time_point{} || unresolved_ || parked_first_ != nullptr;
  if (ring_->ready() != 0 || to_do) return ring_->submit();
  switch (wait_) {
    case waiting::block: return sleep(deadline, now);
    case waiting::spin: return has_to_enter() ? ring_->submit() : 0;
    case waiting::spin_then_block: return spin_then_sleep(deadline);
  }
  return -EINVAL;
}

bool uring_backend::has_to_enter() const noexcept {
  return ring_->unsubmitted() != 0 || ring_->wants_entry() || silent_count_ != 0;
}

int uring_backend::sleep(time_point deadline, time_point now) noexcept {
  ++counters_.sleeps;
  return ring_->submit_and_wait(deadline == never ? never.time_since_epoch() : deadline - now);
}

int uring_backend::spin_then_sleep(time_point deadline) noexcept {
  constexpr int looks_per_clock = 16;
  // What is queued goes out first: nothing may complete that the kernel has not seen.
  if (has_to_enter()) {
    const int status = ring_->submit();
    if (status < 0 || ring_->ready() != 0) return status;
  }
  const auto came = [this] { return ring_->ready() != 0 || ring_->wants_entry(); };
  const time_point end = std::min(deadline, after(clock::now(), spin_time_));
  // What the kernel has deferred for us becomes completions only when it is entered.
  if (spin_until(end, looks_per_clock, came)) return ring_->ready() != 0 ? 0 : ring_->submit();
  const time_point now = clock::now();
  return now < deadline ? sleep(deadline, now) : 0;
}

}  // namespace myra::io
