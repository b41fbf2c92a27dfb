#include "myra/io/uring/ring.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>

#include "myra/io/error_table.hpp"

namespace myra::io {

ring::~ring() {
  if (ring_.ring_fd >= 0) io_uring_queue_exit(&ring_);
  if (registered_wait_ != nullptr) ::munmap(registered_wait_, wait_region_bytes);
}

bool ring::look_for_room() noexcept {
  free_until_ = io_uring_smp_load_acquire(ring_.sq.khead) + ring_.sq.ring_entries;
  return ring_.sq.sqe_tail != free_until_;
}

unsigned ring::flush() noexcept {
  ring_.sq.sqe_head = ring_.sq.sqe_tail;
  io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
  return unsubmitted();
}

int ring::enter(unsigned wait_count, unsigned more_flags, const void* argument,
                std::size_t argument_size) noexcept {
  const unsigned count = flush();
  if (polled_) [[unlikely]] {
    // The thread looks at the tail once more after it has said that it sleeps.
    io_uring_smp_mb();
    if ((flags() & IORING_SQ_NEED_WAKEUP) != 0)
      more_flags |= IORING_ENTER_SQ_WAKEUP;
    else if (wait_count == 0 && more_flags == 0 && !wants_entry())
      return 0;
  }
  ++entries_;
  // liburing declares the argument as a signal mask; with IORING_ENTER_EXT_ARG it is an
  // io_uring_getevents_arg.
  auto* mask = static_cast<sigset_t*>(const_cast<void*>(argument));
  const int status = io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), count, wait_count,
                                     enter_flags_ | more_flags, mask, argument_size);
  if (status >= 0 || reaction_to(failing_call::enter, status) == reaction::retry) return 0;
  return status;
}

int ring::submit() noexcept { return enter(0, 0, nullptr, 0); }

int ring::make_room() noexcept {
  if (!polled_) return submit();
  // The kernel ends this wait when the thread has taken an entry, a moment before it says so.
  constexpr int round_max = 1000;
  int status = 0;
  for (int i = 0; i < round_max && status == 0 && unsubmitted() == size(); ++i)
    status = enter(0, IORING_ENTER_SQ_WAIT, nullptr, 0);
  return status;
}

io_uring_sqe* ring::flush_for_entry() noexcept {
  make_room();
  return next_entry();
}

int ring::finish_call(io_uring_sqe* entry, std::uint64_t tag) noexcept {
  const unsigned position = tail();
  const unsigned told_before = *ring_.cq.ktail;
  submit();
  if (!consumed(position)) {
    // What it points to does not outlive the call.
    *entry = {};
    io_uring_prep_nop(entry);
    io_uring_sqe_set_data64(entry, taken_tag);
    return -EBUSY;
  }
  io_uring_cqe* told = late_call_count_ == 0 ? first_after(told_before, tag) : nullptr;
  if (told == nullptr) {  // the completion queue is full, or was at an earlier call
    ++late_call_count_;
    return -EBUSY;
  }
  told->user_data = taken_tag;
  return told->res;
}

// Not among those before: while they are being drained, the ones that were taken are still there.
io_uring_cqe* ring::first_after(unsigned position, std::uint64_t tag) noexcept {
  const unsigned end = io_uring_smp_load_acquire(ring_.cq.ktail);
  for (unsigned at = position; at != end;) {
    io_uring_cqe& each = completion_at(at);
    if (each.user_data == tag) return &each;
    at += io_uring_cqe_nr(&each);
  }
  return nullptr;
}

int ring::submit_and_wait(duration timeout) noexcept {
  const bool endless = timeout == duration::max();
  if (endless && minimum_wait_us_ == 0) return enter(wait_count_, wait_flags_, nullptr, 0);
  const auto left = std::max(timeout, duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  __kernel_timespec wait{};
  wait.tv_sec = seconds.count();
  wait.tv_nsec = std::chrono::nanoseconds(left - seconds).count();
  const auto most = std::chrono::ceil<std::chrono::microseconds>(left).count();
  const auto minimum = static_cast<unsigned>(std::min<std::int64_t>(minimum_wait_us_, most));
  if (registered_wait_ == nullptr) return wait_by_copy(endless ? nullptr : &wait, minimum);
  registered_wait_->ts = wait;
  registered_wait_->flags = endless ? 0 : IORING_REG_WAIT_TS;
  registered_wait_->min_wait_usec = minimum;
  constexpr unsigned by_region = IORING_ENTER_EXT_ARG | IORING_ENTER_EXT_ARG_REG;
  // The argument is an offset into the region.
  return enter(wait_count_, wait_flags_ | by_region, nullptr, sizeof(io_uring_reg_wait));
}

int ring::wait_by_copy(const __kernel_timespec* wait, unsigned minimum_us) noexcept {
  io_uring_getevents_arg argument{};
  argument.ts = reinterpret_cast<std::uintptr_t>(wait);
  argument.min_wait_usec = minimum_us;
  return enter(wait_count_, wait_flags_ | IORING_ENTER_EXT_ARG, &argument, sizeof argument);
}

}  // namespace myra::io
