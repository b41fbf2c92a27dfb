#include "myra/io/uring/close_trial.hpp"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace myra::io {
namespace {

constexpr unsigned busy = 0;  // the place of a socket on which something is armed
constexpr unsigned gone = 1;  // and of the one that is closed

struct socket_pair {
  socket_pair() noexcept {
    made = ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, of.data()) == 0;
  }
  ~socket_pair() {
    for (const int each : of)
      if (each >= 0) ::close(each);
  }
  socket_pair(const socket_pair&) = delete;
  socket_pair& operator=(const socket_pair&) = delete;
  void move_into(io_uring& table, unsigned place) noexcept {
    made = made && io_uring_register_files_update(&table, place, &of[0], 1) == 1;
    ::close(std::exchange(of[0], -1));
  }

  bool made = false;
  std::array<int, 2> of{-1, -1};
};

bool try_close(io_uring& trial) noexcept {
  if (io_uring_register_files_sparse(&trial, 2) != 0) return false;
  socket_pair kept;
  socket_pair closed;
  kept.move_into(trial, busy);
  closed.move_into(trial, gone);
  if (!kept.made || !closed.made) return false;
  io_uring_sqe* entry = io_uring_get_sqe(&trial);
  io_uring_prep_poll_add(entry, busy, POLLIN);
  entry->flags |= IOSQE_FIXED_FILE;
  if (io_uring_submit(&trial) != 1) return false;
  entry = io_uring_get_sqe(&trial);
  io_uring_prep_close_direct(entry, gone);
  if (io_uring_submit_and_wait(&trial, 1) != 1) return false;
  // The socket ends when the kernel entry does; the rest is for what preempts it.
  constexpr int patience_ms = 10;
  pollfd end{.fd = closed.of[1], .events = POLLIN, .revents = 0};
  return ::poll(&end, 1, patience_ms) == 1;
}

bool try_close() noexcept {
  io_uring trial{};
  if (io_uring_queue_init(4, &trial, 0) != 0) return false;
  const bool immediate = try_close(trial);
  io_uring_queue_exit(&trial);
  return immediate;
}

}  // namespace

bool direct_close_is_immediate() noexcept {
  static const bool immediate = try_close();
  return immediate;
}

}  // namespace myra::io
