// The part of the backend that other threads and foreign loops use: what they poll, and waking.
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {

int uring_backend::descriptor() const noexcept {
  if (foreign_descriptor_ < 0) open_foreign_descriptor();
  return foreign_descriptor_ >= 0 ? foreign_descriptor_ : ring_->descriptor();
}

/// The ring and an eventfd of it, as one. With deferred task running (IORING_SETUP_DEFER_TASKRUN)
/// neither tells on every kernel of all that it holds back: a poll(2) of the ring may sleep over
/// it, and so, on Debian's 6.12.118, may one of the eventfd.
void uring_backend::open_foreign_descriptor() const noexcept {
  const int event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  const int both = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event readable{.events = EPOLLIN, .data = {}};
  const bool made = event >= 0 && both >= 0 &&
                    ::epoll_ctl(both, EPOLL_CTL_ADD, event, &readable) == 0 &&
                    ::epoll_ctl(both, EPOLL_CTL_ADD, ring_->descriptor(), &readable) == 0 &&
                    io_uring_register_eventfd(&ring_->raw(), event) == 0;
  if (!made) {
    if (event >= 0) ::close(event);
    if (both >= 0) ::close(both);
    return;
  }
  foreign_descriptor_ = both;
  ready_descriptor_.store(event, std::memory_order_release);
  show_whether_ready();
}

void uring_backend::show_whether_ready() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto taken = ::read(ready_descriptor_, &count, sizeof count);
  // What came before the read is still to be seen, and what comes after it is told anew.
  if (ring_->ready() == 0 && !ring_->wants_entry() && !unresolved_) return;
  count = 1;
  [[maybe_unused]] const auto written = ::write(ready_descriptor_, &count, sizeof count);
}

void uring_backend::wake() noexcept {
  const std::uint64_t one = 1;
  // Cannot fail in a way that matters: at the counter's limit it is readable already.
  [[maybe_unused]] const auto written = ::write(wake_descriptor_, &one, sizeof one);
  // The kernel announces a poll of one eventfd on another late, or not at all (eventfd recursion).
  const int ready = ready_descriptor_.load(std::memory_order_acquire);
  if (ready < 0) return;
  [[maybe_unused]] const auto told = ::write(ready, &one, sizeof one);
}

}  // namespace myra::io
