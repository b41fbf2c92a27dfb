#include "myra/io/uring/close_trial.hpp"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>

namespace myra::io {
namespace {

constexpr unsigned busy = 0;  // the place of a socket on which something is armed
constexpr unsigned gone = 1;  // and of the one that is closed

/// One end of a pair of sockets; the other is in a ring's table.
class far_end {
 public:
  far_end(io_uring& table, unsigned place) noexcept {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return;
    descriptor_ = ends[1];
    placed_ = io_uring_register_files_update(&table, place, &ends[0], 1) == 1;
    ::close(ends[0]);
  }
  far_end(const far_end&) = delete;
  far_end& operator=(const far_end&) = delete;
  ~far_end() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] bool placed() const noexcept { return placed_; }
  [[nodiscard]] bool ended() const noexcept {
    // The near one ends when the kernel entry does; the rest is for what preempts it.
    constexpr int patience_ms = 10;
    pollfd told{.fd = descriptor_, .events = POLLIN, .revents = 0};
    return ::poll(&told, 1, patience_ms) == 1;
  }

 private:
  int descriptor_ = -1;
  bool placed_ = false;
};

close_trial close_beside_a_poll(io_uring& trial) noexcept {
  if (io_uring_register_files_sparse(&trial, 2) != 0) return close_trial::failed;
  const far_end kept(trial, busy);
  const far_end closed(trial, gone);
  if (!kept.placed() || !closed.placed()) return close_trial::failed;
  io_uring_sqe* entry = io_uring_get_sqe(&trial);
  io_uring_prep_poll_add(entry, busy, POLLIN);
  entry->flags |= IOSQE_FIXED_FILE;
  if (io_uring_submit(&trial) != 1 || io_uring_cq_ready(&trial) != 0) return close_trial::failed;
  entry = io_uring_get_sqe(&trial);
  io_uring_prep_close_direct(entry, gone);
  io_uring_cqe* told = nullptr;
  if (io_uring_submit_and_wait(&trial, 1) != 1 || io_uring_peek_cqe(&trial, &told) != 0 ||
      told->res != 0)
    return close_trial::failed;
  return closed.ended() ? close_trial::immediate : close_trial::late;
}

close_trial try_now() noexcept {
  io_uring trial{};
  if (io_uring_queue_init(4, &trial, 0) != 0) return close_trial::failed;
  const close_trial found = close_beside_a_poll(trial);
  io_uring_queue_exit(&trial);
  return found;
}

}  // namespace

close_trial try_direct_close() noexcept {
  static std::atomic<close_trial> known = close_trial::failed;
  if (known.load(std::memory_order_relaxed) == close_trial::failed)
    known.store(try_now(), std::memory_order_relaxed);
  return known.load(std::memory_order_relaxed);
}

}  // namespace myra::io
