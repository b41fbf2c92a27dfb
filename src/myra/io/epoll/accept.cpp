// Accepting: accept4(2) until nobody waits.
#include <sys/socket.h>

#include <cerrno>

#include "myra/io/epoll/epoll_backend.hpp"

namespace myra::io {
namespace {

/// As many connections may one listener bring in a turn; then the others are served.
constexpr unsigned accepts_per_turn = 64;

}  // namespace

void epoll_backend::start_accept(accept_operation& accept) noexcept {
  watched_descriptor& on = table_[accept.descriptor.number()];
  if (on.reader != nullptr) return settle(accept, -EBUSY);
  on.reader = &accept;
  list_reader(on, accept);
}

void epoll_backend::run_accept(watched_descriptor& on, accept_operation& accept) noexcept {
  for (unsigned taken = 0; taken < accepts_per_turn; ++taken) {
    ++counters_.kernel_entries;
    const int socket =
        ::accept4(accept.descriptor.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) {
      if (errno == EINTR) continue;
      if (errno == EAGAIN) return arm_reader(on, accept);
      return end_reader(on, accept, -errno);
    }
    table_.forget(socket);
    if (!accept.multishot) return end_reader(on, accept, socket);
    completion what(socket);
    what.more = true;
    finish(accept, what);
    if (on.reader != &accept) return;  // cancelled by its handler
  }
  list_reader(on, accept);
}

}  // namespace myra::io
