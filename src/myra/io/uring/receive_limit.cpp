#include "myra/io/uring/receive_limit.hpp"

#include <liburing.h>

#include <atomic>
#include <cerrno>

namespace myra::io {
namespace {

enum class answer { none, no, yes };

/// A receive on no socket: what looks at the entry before says EINVAL when it does not know the
/// limit, and the receive itself says EBADF.
answer try_limit() noexcept {
  io_uring trial{};
  if (io_uring_queue_init(2, &trial, 0) != 0) return answer::none;
  io_uring_sqe* entry = io_uring_get_sqe(&trial);
  io_uring_prep_recv_multishot(entry, -1, nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->optlen = 4096;
  io_uring_cqe* told = nullptr;
  answer found = answer::none;
  if (io_uring_submit_and_wait(&trial, 1) >= 0 && io_uring_peek_cqe(&trial, &told) == 0)
    found = told->res == -EBADF ? answer::yes : answer::no;
  io_uring_queue_exit(&trial);
  return found;
}

}  // namespace

bool kernel_limits_receives() noexcept {
  static std::atomic<answer> known = answer::none;
  if (known.load(std::memory_order_relaxed) == answer::none)
    known.store(try_limit(), std::memory_order_relaxed);
  return known.load(std::memory_order_relaxed) == answer::yes;
}

}  // namespace myra::io
