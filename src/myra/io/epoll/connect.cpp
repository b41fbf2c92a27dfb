// Connecting: connect(2), then EPOLLOUT, then what became of it.
#include <sys/socket.h>

#include <cerrno>
#include <chrono>

#include "myra/io/epoll/epoll_backend.hpp"

namespace myra::io {
namespace {

constexpr duration retry_delay = std::chrono::milliseconds(2);

}  // namespace

void epoll_backend::start_connect(connect_operation& connect) noexcept {
  watched_descriptor& on = table_[connect.descriptor.number()];
  if (on.writer != nullptr) return settle(connect, -EBUSY);
  const int status = connect_once(connect);
  if (status == -EAGAIN && connect.address->sa_family == AF_UNIX) {
    // The listener's backlog is full. io_uring waits for room; no event tells of it, so ask again.
    on.writer = &connect;
    on.writer_listed = true;
    retries_.push_back(connect);
    return;
  }
  if (status != -EINPROGRESS) return settle(connect, status);
  const int watched =
      table_.watch(connect.descriptor.number(),
                   descriptor_table::read_interest | descriptor_table::write_interest);
  if (watched < 0) return settle(connect, watched);
  on.writer = &connect;
}

int epoll_backend::connect_once(const connect_operation& connect) noexcept {
  ++counters_.kernel_entries;
  if (::connect(connect.descriptor.number(), connect.address, connect.address_size) == 0) return 0;
  return errno == EINTR ? -EINPROGRESS : -errno;
}

/// What became of a connect after an event; -EAGAIN: nothing yet.
int epoll_backend::resume_connect(const connect_operation& connect, std::uint32_t events) noexcept {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    int error = 0;
    socklen_t size = sizeof error;
    ++counters_.kernel_entries;
    if (::getsockopt(connect.descriptor.number(), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
      return -errno;
    if (error != 0) return -error;
  }
  // Asking again makes the socket a connected one in the kernel's eyes: as io_uring does.
  const int status = connect_once(connect);
  if (status == -EINPROGRESS || status == -EALREADY) return -EAGAIN;
  return status == -EISCONN ? 0 : status;
}

void epoll_backend::retry_connects(time_point now) noexcept {
  operation_queue retries = retries_.take();
  while (operation* retried = retries.pop_front()) {
    watched_descriptor& on = table_[retried->descriptor.number()];
    on.writer = nullptr;
    on.writer_listed = false;
    if (retried->cancelled)
      settle(*retried, -ECANCELED);
    else
      start_connect(static_cast<connect_operation&>(*retried));
  }
  retry_at_ = now + retry_delay;
}

}  // namespace myra::io
