// Polling: the events of a descriptor, once or each time that they come.
#include <poll.h>

#include <cerrno>

#include "myra/io/epoll/epoll_backend.hpp"

namespace myra::io {
namespace {

static_assert(POLLIN == EPOLLIN && POLLPRI == EPOLLPRI && POLLOUT == EPOLLOUT &&
              POLLERR == EPOLLERR && POLLHUP == EPOLLHUP && POLLRDHUP == EPOLLRDHUP);

/// Told of whether asked for or not, as io_uring does.
constexpr std::uint32_t always_told = POLLERR | POLLHUP | POLLRDHUP;
constexpr std::uint32_t pollable = POLLIN | POLLPRI | POLLOUT | POLLRDHUP;

}  // namespace

void epoll_backend::start_poll(poll_operation& poll) noexcept {
  const int status =
      table_.look_again(poll.descriptor.number(), (poll.events & pollable) | POLLRDHUP);
  // A regular file cannot be watched; it is always ready.
  if (status == -EPERM) return settle(poll, static_cast<int>(poll.events & (POLLIN | POLLOUT)));
  if (status < 0) return settle(poll, status);
  watched_descriptor& on = table_[poll.descriptor.number()];
  poll.backend_next = on.polls;
  on.polls = &poll;
}

void epoll_backend::run_polls(watched_descriptor& on, std::uint32_t events) noexcept {
  operation* next = on.polls;
  on.polls = nullptr;
  while (next != nullptr) {
    auto& poll = static_cast<poll_operation&>(*next);
    next = poll.backend_next;
    if (poll.cancelled) {  // by a handler, a moment ago
      finish(poll, -ECANCELED);
      continue;
    }
    completion what(static_cast<std::int32_t>(events & (poll.events | always_told)));
    what.more = poll.multishot;
    if (what.result == 0 || poll.multishot) {
      poll.backend_next = on.polls;
      on.polls = &poll;
    }
    if (what.result != 0) finish(poll, what);
  }
}

}  // namespace myra::io
