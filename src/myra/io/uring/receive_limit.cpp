#include "myra/io/uring/receive_limit.hpp"

#include <liburing.h>

#include <cerrno>

namespace myra::io {
namespace {

/// A receive on no socket: what looks at the entry before says EINVAL when it does not know the
/// limit, and the receive itself says EBADF.
bool try_limit() noexcept {
  io_uring trial{};
  if (io_uring_queue_init(2, &trial, 0) != 0) return false;
  io_uring_sqe* entry = io_uring_get_sqe(&trial);
  io_uring_prep_recv_multishot(entry, -1, nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->optlen = 4096;
  io_uring_cqe* told = nullptr;
  const bool known = io_uring_submit_and_wait(&trial, 1) >= 0 &&
                     io_uring_peek_cqe(&trial, &told) == 0 && told->res == -EBADF;
  io_uring_queue_exit(&trial);
  return known;
}

}  // namespace

bool kernel_limits_receives() noexcept {
  static const bool limits = try_limit();
  return limits;
}

}  // namespace myra::io
