// What other threads want done on the loop's thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace myra {

enum class post_status {
  accepted,        ///< It will run, in the order of posting of its thread.
  back_pressured,  ///< The inbox is full; nothing was taken.
  closed,          ///< The loop has ended; nothing was taken.
};

using posted_call = std::move_only_function<void() noexcept>;

/// Bounded, many threads to one. Not for the path of every message: posting takes a lock. Looking
/// whether something is there takes none.
class inbox {
 public:
  explicit inbox(std::uint32_t capacity) noexcept : capacity_(capacity) {}

  /// Any thread. `call` is moved from only when accepted. `must_wake` says that the loop has to be
  /// woken: what is posted while something waits already rides on the wake of the first.
  [[nodiscard]] post_status post(posted_call& call, bool& must_wake);

  /// The loop's thread: runs what was posted before this call; returns how many. What these calls
  /// post waits for the next drain.
  std::uint32_t drain() noexcept;

  /// The loop's thread. From now on `post` answers `closed`; what is still inside is dropped unrun.
  void close() noexcept;

  /// The loop's thread. May miss what is being posted at this moment, whose poster will wake the
  /// loop.
  [[nodiscard]] bool empty() const noexcept { return !occupied_.load(std::memory_order_acquire); }

 private:
  std::mutex lock_;
  std::atomic<bool> occupied_{false};  ///< Written under the lock: waiting_ is not empty.
  std::vector<posted_call> waiting_;
  std::vector<posted_call> running_;  ///< Of drain(), kept for its memory.
  std::uint32_t capacity_;
  bool closed_ = false;
};

}  // namespace myra
