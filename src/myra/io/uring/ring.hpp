// One io_uring instance: made with the flags that sockets want, halved where memory is short,
// entered in one place.
#pragma once

#include <liburing.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "myra/core/cache_line.hpp"
#include "myra/core/clock.hpp"
#include "myra/core/error.hpp"
#include "myra/io/uring/uring.hpp"
#include "myra/io/uring/user_data.hpp"

namespace myra::io {

/// Owned by the thread that opened it (IORING_SETUP_SINGLE_ISSUER); other threads may not enter it.
class alignas(cache_line_size) ring {
 public:
  /// Errors: the report says which limit or flag was in the way: permission_denied (seccomp,
  /// kernel.io_uring_disabled), unsupported (no io_uring, or before 6.1), resource_exhausted
  /// (RLIMIT_MEMLOCK, even at 128 entries).
  [[nodiscard]] static opened<std::unique_ptr<ring>> open(const uring_options& options);
  ~ring();
  ring(const ring&) = delete;
  ring& operator=(const ring&) = delete;

  /// A free submission entry, all zero, or null when the queue is full. What io_uring_get_sqe(3)
  /// does, without asking each time for entries of 128 bytes, which sockets do not use.
  [[nodiscard]] io_uring_sqe* next_entry() noexcept {
    io_uring_sqe* entry = known_entry();
    return entry != nullptr || !look_for_room() ? entry : known_entry();
  }
  /// The same without a look at what the kernel has taken meanwhile, so that it may be null early.
  [[nodiscard]] io_uring_sqe* known_entry() noexcept {
    const unsigned tail = ring_.sq.sqe_tail;
    if (static_cast<int>(free_until_ - tail) <= 0) [[unlikely]]
      return nullptr;
    ring_.sq.sqe_tail = tail + 1;
    io_uring_sqe* entry = &ring_.sq.sqes[tail & ring_.sq.ring_mask];
    *entry = {};
    return entry;
  }
  /// How many entries next_entry() would give.
  [[nodiscard]] unsigned room() const noexcept {
    return ring_.sq.ring_entries - (ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead));
  }
  /// An entry as well, and submits what is queued when there is no room. Null: the kernel takes
  /// nothing at present.
  [[nodiscard]] io_uring_sqe* entry_or_flush() noexcept {
    io_uring_sqe* entry = next_entry();
    return entry != nullptr ? entry : flush_for_entry();
  }

  /// io_uring_enter(2): submits what is queued and has the kernel run what it deferred. Zero, or
  /// -errno; an end by a signal is zero. `-EAGAIN` and `-EBUSY` mean: take completions, then again.
  int submit() noexcept;
  /// The same, and waits for a completion, `timeout` at most (`duration::max()`: without end).
  int submit_and_wait(duration timeout) noexcept;

  /// Has the kernel carry out one entry now, in a kernel entry of its own that also submits what is
  /// queued. `prepare(entry)` fills it, with an operation that never waits; what it points to has
  /// to stay for the length of the call. Returns its result, or -EBUSY when the kernel takes or
  /// tells nothing at present; if it was carried out after all, its completion comes later, with
  /// `tag` as its user data, and has to be told to `late_call_over`. Until then no call has an
  /// answer, as nothing would tell its completion from theirs; all are carried out.
  template <class Prepare>
  int call(std::uint64_t tag, Prepare prepare) noexcept {
    io_uring_sqe* entry = entry_or_flush();
    if (entry == nullptr) return -EBUSY;
    prepare(entry);
    io_uring_sqe_set_data64(entry, tag);
    return finish_call(entry, tag);
  }
  void late_call_over() noexcept { --late_call_count_; }
  /// Has the kernel take what is queued, so that there is a free entry, unless it cannot.
  int make_room() noexcept;

  /// Entries of the submission queue.
  [[nodiscard]] unsigned size() const noexcept { return ring_.sq.ring_entries; }
  /// Entries queued and not yet consumed by the kernel.
  [[nodiscard]] unsigned unsubmitted() const noexcept {
    return ring_.sq.sqe_tail - io_uring_smp_load_acquire(ring_.sq.khead);
  }
  /// Entries queued for which the next submission is still to come.
  [[nodiscard]] bool pending() const noexcept {
    return polled_ ? ring_.sq.sqe_tail != *ring_.sq.ktail : unsubmitted() != 0;
  }
  /// Calls `visit(entry)` for each entry that is queued and not yet consumed by the kernel.
  template <class Visit>
  void each_unsubmitted(Visit visit) const noexcept {
    for (unsigned at = io_uring_smp_load_acquire(ring_.sq.khead); at != ring_.sq.sqe_tail; ++at)
      visit(ring_.sq.sqes[at & ring_.sq.ring_mask]);
  }
  /// The position after the last queued entry, and whether the kernel has consumed up to a
  /// position.
  [[nodiscard]] unsigned tail() const noexcept { return ring_.sq.sqe_tail; }
  [[nodiscard]] bool consumed(unsigned position) const noexcept {
    return static_cast<int>(io_uring_smp_load_acquire(ring_.sq.khead) - position) >= 0;
  }

  [[nodiscard]] bool overflowed() const noexcept { return (flags() & IORING_SQ_CQ_OVERFLOW) != 0; }
  /// The kernel has work to run for us, or completions that it keeps back, for which it has to be
  /// entered.
  [[nodiscard]] bool wants_entry() const noexcept {
    return (flags() & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0;
  }
  [[nodiscard]] unsigned ready() const noexcept { return io_uring_cq_ready(&ring_); }

  /// Calls `take(cqe)` for every completion that is there, then frees their places. Returns how
  /// many.
  template <class Take>
  unsigned drain(Take take) noexcept {
    unsigned head = *ring_.cq.khead;
    const unsigned tail = io_uring_smp_load_acquire(ring_.cq.ktail);
    const unsigned count = tail - head;
    for (; head != tail; ++head) {
      // The kernel leaves it alone until its place is freed.
      const io_uring_cqe& each = ring_.cq.cqes[head & ring_.cq.ring_mask];
      take(each);
    }
    if (count != 0) io_uring_cq_advance(&ring_, count);
    return count;
  }

  /// The same for a ring whose completions have 32 bytes, all of them or some.
  template <class Take>
  unsigned drain_wide(Take take) noexcept {
    const unsigned begin = *ring_.cq.khead;
    const unsigned tail = io_uring_smp_load_acquire(ring_.cq.ktail);
    unsigned head = begin;
    unsigned count = 0;
    while (head != tail) {
      const io_uring_cqe& each = completion_at(head);
      head += io_uring_cqe_nr(&each);
      // One that fills up the end of the queue, where 32 bytes did not fit.
      if ((each.flags & IORING_CQE_F_SKIP) != 0) continue;
      take(each);
      ++count;
    }
    if (head != begin) io_uring_cq_advance(&ring_, head - begin);
    return count;
  }

  [[nodiscard]] io_uring& raw() noexcept { return ring_; }
  [[nodiscard]] int descriptor() const noexcept { return ring_.ring_fd; }
  /// A thread of the kernel takes what is queued (IORING_SETUP_SQPOLL): nothing is known about it
  /// when an entry returns.
  [[nodiscard]] bool polled() const noexcept { return polled_; }
  [[nodiscard]] bool descriptor_registered() const noexcept {
    return (enter_flags_ & IORING_ENTER_REGISTERED_RING) != 0;
  }
  [[nodiscard]] bool busy_polling() const noexcept { return busy_polling_; }
  [[nodiscard]] bool workers_limited() const noexcept { return workers_limited_; }
  [[nodiscard]] bool workers_placed() const noexcept { return workers_placed_; }
  [[nodiscard]] bool waits_registered() const noexcept { return registered_wait_ != nullptr; }
  [[nodiscard]] bool waits_outside_iowait() const noexcept {
    return (wait_flags_ & IORING_ENTER_NO_IOWAIT) != 0;
  }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  /// What was set up, in words, with what had to be reduced.
  [[nodiscard]] const std::string& description() const noexcept { return description_; }

 private:
  ring() = default;
  unsigned flags() const noexcept { return io_uring_smp_load_acquire(ring_.sq.kflags); }
  [[nodiscard]] io_uring_cqe& completion_at(unsigned position) noexcept {
    return ring_.cq.cqes[(position & ring_.cq.ring_mask) << io_uring_cqe_shift(&ring_)];
  }
  [[nodiscard]] bool look_for_room() noexcept;
  unsigned flush() noexcept;
  [[nodiscard]] io_uring_sqe* flush_for_entry() noexcept;
  int finish_call(io_uring_sqe* entry, std::uint64_t tag) noexcept;
  [[nodiscard]] io_uring_cqe* first_after(unsigned position, std::uint64_t tag) noexcept;
  int enter(unsigned wait_count, unsigned more_flags, const void* argument,
            std::size_t argument_size) noexcept;
  int wait_by_copy(const __kernel_timespec* wait, unsigned minimum_us) noexcept;
  [[nodiscard]] std::optional<error_report> enable(const uring_options& options);
  void register_waits() noexcept;
  void limit_workers(const worker_options& workers);
  void poll_cards(const uring_options& options);
  void set_waits(const uring_options& options);

  static constexpr std::size_t wait_region_bytes = 4096;

  io_uring ring_{};
  unsigned free_until_ = 0;  ///< Entries before this position are free, as far as we have looked.
  unsigned enter_flags_ = IORING_ENTER_GETEVENTS;
  unsigned wait_flags_ = 0;
  unsigned wait_count_ = 1;
  unsigned minimum_wait_us_ = 0;
  bool polled_ = false;
  bool busy_polling_ = false;
  bool workers_limited_ = false;
  bool workers_placed_ = false;
  io_uring_reg_wait* registered_wait_ = nullptr;  ///< In a page of its own; null: not registered.
  unsigned late_call_count_ = 0;
  std::uint64_t entries_ = 0;
  std::string description_;
};

}  // namespace myra::io
