// What other threads want done on the loop's thread.
#pragma once

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

/// Bounded, many threads to one. Not for the path of every message: posting takes a lock.
class inbox {
 public:
  explicit inbox(std::uint32_t capacity) noexcept : capacity_(capacity) {}

  /// Any thread. `call` is moved from only when accepted. `must_wake` says that the loop has to be woken.
  [[nodiscard]] post_status post(posted_call& call, bool& must_wake);

  /// The loop's thread: runs what was posted before this call; returns how many.
  std::uint32_t drain() noexcept;

  /// From now on `post` answers `closed`; what is still inside is dropped unrun.
  void close() noexcept;

  [[nodiscard]] bool empty() const noexcept;

 private:
  mutable std::mutex lock_;
  std::vector<posted_call> waiting_;
  std::vector<posted_call> running_;
  std::uint32_t capacity_;
  bool closed_ = false;
};

}  // namespace myra
