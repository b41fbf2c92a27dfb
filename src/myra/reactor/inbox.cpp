#include "myra/reactor/inbox.hpp"

#include <cassert>
#include <utility>

namespace myra {

post_status inbox::post(posted_call& call, bool& must_wake) {
  assert(call && "posted nothing");
  must_wake = false;
  const std::lock_guard guard(lock_);
  if (closed_) return post_status::closed;
  if (waiting_.size() >= capacity_) return post_status::back_pressured;
  must_wake = waiting_.empty();
  waiting_.push_back(std::move(call));
  occupied_.store(true, std::memory_order_release);
  return post_status::accepted;
}

std::uint32_t inbox::drain() noexcept {
  if (empty()) return 0;
  assert(running_.empty() && "drained from inside a posted call");
  {
    const std::lock_guard guard(lock_);
    running_.swap(waiting_);
    occupied_.store(false, std::memory_order_relaxed);
  }
  const auto count = static_cast<std::uint32_t>(running_.size());
  for (posted_call& each : running_) {
    // What the call owns is gone before the next one runs.
    posted_call call = std::move(each);
    call();
  }
  running_.clear();
  return count;
}

void inbox::close() noexcept {
  std::vector<posted_call> dropped;  // Destroyed without the lock: what the calls own may post.
  const std::lock_guard guard(lock_);
  closed_ = true;
  dropped.swap(waiting_);
  occupied_.store(false, std::memory_order_relaxed);
}

}  // namespace myra
