#include "myra/io/uring/uring_backend.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "myra/io/error_table.hpp"
#include "myra/io/uring/accept.hpp"
#include "myra/io/uring/close.hpp"
#include "myra/io/uring/connect.hpp"
#include "myra/io/uring/hand_over.hpp"
#include "myra/io/uring/link.hpp"
#include "myra/io/uring/opcode.hpp"
#include "myra/io/uring/poll.hpp"
#include "myra/io/uring/receive.hpp"
#include "myra/io/uring/receive_datagram.hpp"
#include "myra/io/uring/send.hpp"
#include "myra/io/uring/send_datagram.hpp"
#include "myra/io/uring/shutdown.hpp"
#include "myra/io/uring/user_data.hpp"

namespace myra::io {
namespace {

constexpr unsigned extra_round_max = 64;

bool is_silent(operation& sent) noexcept {
  if (sent.kind() == operation_kind::send) return static_cast<send_operation&>(sent).silent;
  return sent.kind() == operation_kind::send_datagram &&
         static_cast<send_datagram_operation&>(sent).silent;
}

void make_loud(operation& sent) noexcept {
  if (sent.kind() == operation_kind::send) static_cast<send_operation&>(sent).silent = false;
  if (sent.kind() == operation_kind::send_datagram)
    static_cast<send_datagram_operation&>(sent).silent = false;
}

}  // namespace

opened<std::unique_ptr<uring_backend>> uring_backend::open(const uring_options& options,
                                                           buffer_pool& pool) {
  auto made = ring::open(options);
  if (!made) return std::unexpected(std::move(made.error()));
  std::unique_ptr<receive_area> area;
  if (options.zero_copy_receive.mode != zero_copy_receive_mode::off) {
    auto registered = receive_area::open((*made)->raw(), options.zero_copy_receive);
    if (!registered) {
      made->reset();
      return open_without_area(options, pool, registered.error());
    }
    area = std::move(*registered);
  }
  const int wake_descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_descriptor < 0)
    return report(kernel_error(-errno), "eventfd for waking the loop" + limit_words(errno));
  std::unique_ptr<uring_backend> backend(
      new uring_backend(options, std::move(*made), wake_descriptor));
  if (area) backend->use(std::move(area));
  if (auto refused = backend->open_groups(options, pool))
    return std::unexpected(std::move(*refused));
  if (backend->ring_->polled())
    backend->direct_.leave_unused(
        "off with submission polling: calls on them need an answer at once");
  else if (options.ring.sockets_only)
    backend->direct_.leave_unused("off with restrictions, which leave out commands on files");
  else if (options.features.direct_descriptors)
    backend->direct_.open(backend->ring_->raw(), options.direct_descriptor_count);
  if (backend->direct_.exists() && knows(backend->ring_->raw(), IORING_OP_LISTEN))
    backend->network_.bind_by_operation();
  backend->open_zero_copy(options, pool);
  return backend;
}

void uring_backend::open_zero_copy(const uring_options& options, buffer_pool& pool) {
  if (options.features.zero_copy_sends) zero_copy_.open(ring_->raw());
  if (options.registered_buffers) zero_copy_.register_memory(ring_->raw(), pool);
}

uring_backend::uring_backend(const uring_options& options, std::unique_ptr<ring> made,
                             int wake_descriptor) noexcept
    : ring_(std::move(made)),
      wait_(options.wait),
      spin_time_(options.spin_time),
      silent_capacity_(ring_->polled() ? 0 : ring_->size()),
      silent_(make_line_array<silent_send>(silent_capacity_)),
      resolving_(make_line_array<silent_send>(silent_capacity_)),
      wake_descriptor_(wake_descriptor),
      sends_messages_(options.features.ring_messages) {}

uring_backend::~uring_backend() {
  for (auto& group : groups_) group.reset();
  ring_.reset();
  ::close(wake_descriptor_);
  if (ready_descriptor_ >= 0) ::close(ready_descriptor_);
  if (foreign_descriptor_ >= 0) ::close(foreign_descriptor_);
}

[[gnu::always_inline]] inline void uring_backend::prepare_entry(io_uring_sqe* entry,
                                                                operation& queued) noexcept {
  ++queued.generation;
  queued.state = operation_state::in_flight;
  entry->user_data = user_data_of(queued);
  if (queued.kind() == operation_kind::send) [[likely]]
    return prepare_send(entry, static_cast<send_operation&>(queued));
  prepare_other(entry, queued);
}

[[gnu::noinline]] void uring_backend::prepare_other(io_uring_sqe* entry,
                                                    operation& queued) noexcept {
  switch (queued.kind()) {
    case operation_kind::send: break;
    case operation_kind::receive: {
      auto& receive = static_cast<receive_operation&>(queued);
      if (area_ != nullptr && receive.multishot)
        prepare_for_area(entry, receive);
      else
        prepare(entry, receive, group_for(receive), limits_receives_);
      break;
    }
    case operation_kind::accept: arm(entry, static_cast<accept_operation&>(queued)); break;
    case operation_kind::connect: prepare(entry, static_cast<connect_operation&>(queued)); break;
    case operation_kind::send_zero_copy:
      zero_copy_.prepare(entry, static_cast<zero_copy_send_operation&>(queued));
      break;
    case operation_kind::shutdown: prepare(entry, static_cast<shutdown_operation&>(queued)); break;
    case operation_kind::close: prepare(entry, static_cast<close_operation&>(queued)); break;
    case operation_kind::poll: prepare(entry, static_cast<poll_operation&>(queued)); break;
    case operation_kind::receive_datagram:
      groups_[whole_group]->want();
      prepare(entry, static_cast<receive_datagram_operation&>(queued), *groups_[whole_group]);
      break;
    case operation_kind::send_datagram:
      prepare_send(entry, static_cast<send_datagram_operation&>(queued));
      break;
    case operation_kind::cancel: prepare(entry, static_cast<cancel_operation&>(queued)); break;
    case operation_kind::link_timeout:
      prepare(entry, static_cast<link_timeout_operation&>(queued));
      break;
    case operation_kind::hand_over:
      prepare(entry, static_cast<hand_over_operation&>(queued));
      break;
  }
}

io_uring_sqe* uring_backend::prepare_linked(operation& step) noexcept {
  assert(step.idle() && "operation submitted twice");
  ++counters_.submissions;
  step.cancelled = false;
  io_uring_sqe* entry = ring_->next_entry();
  prepare_entry(entry, step);
  return entry;
}

template <class Send>
inline void uring_backend::prepare_send(io_uring_sqe* entry, Send& send) noexcept {
  if (silent_count_ == silent_capacity_) [[unlikely]]
    send.silent = false;
  if (send.silent) note_silent(send, send.size);
  prepare(entry, send);
}

inline void uring_backend::note_silent(operation& send, std::uint32_t size) noexcept {
  send.backend_index = silent_count_;
  silent_[silent_count_++] = {&send, size};
}

void uring_backend::submit(operation& queued) noexcept {
  assert(queued.idle() && "operation submitted twice");
  ++counters_.submissions;
  queued.cancelled = false;
  // What waits goes first: the order of submission is the order in which the kernel sees it.
  io_uring_sqe* entry = parked_first_ == nullptr ? ring_->known_entry() : nullptr;
  if (entry == nullptr) [[unlikely]]
    return submit_to_full(queued);
  prepare_entry(entry, queued);
}

[[gnu::noinline]] void uring_backend::submit_to_full(operation& queued) noexcept {
  io_uring_sqe* entry = parked_first_ == nullptr ? ring_->entry_or_flush() : nullptr;
  if (entry == nullptr) return park(queued);
  prepare_entry(entry, queued);
}

void uring_backend::park(operation& queued) noexcept {
  queued.state = operation_state::queued;
  queued.backend_next = nullptr;
  // Nobody says when the thread that polls has taken a send.
  if (silent_capacity_ == 0) make_loud(queued);
  (parked_first_ == nullptr ? parked_first_ : parked_last_->backend_next) = &queued;
  parked_last_ = &queued;
}

void uring_backend::cancel(operation& unwanted) noexcept {
  if (unwanted.idle() || unwanted.cancelled) return;
  unwanted.cancelled = true;
  if (unwanted.state == operation_state::queued) {  // the next wait() sees the mark
    area_unserved_ = area_ != nullptr;
    return;
  }
  if (unwanted.kind() == operation_kind::connect) cancelled_connects_.push_back(&unwanted);
  push_cancel(user_data_of(unwanted));
}

void uring_backend::push_cancel(std::uint64_t user_data) noexcept {
  io_uring_sqe* entry = ring_->entry_or_flush();
  if (entry == nullptr) {
    parked_cancels_.push_back(user_data);
    return;
  }
  io_uring_prep_cancel64(entry, user_data, 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, cancel_tag);
}

void uring_backend::submit_parked() noexcept {
  while (parked_first_ != nullptr) {
    operation& next = *parked_first_;
    // A close is never taken back: the descriptor would leak.
    if (next.cancelled && next.kind() != operation_kind::close) {
      parked_first_ = next.backend_next;
      next.state = operation_state::idle;
      unresolved_ = true;  // what its handler brings about is not to be slept over
      completion ended(-ECANCELED);
      next.complete(ended);
      continue;
    }
    io_uring_sqe* entry = ring_->entry_or_flush();
    if (entry == nullptr) return;
    parked_first_ = next.backend_next;
    prepare_entry(entry, next);
  }
  while (!parked_cancels_.empty()) {
    io_uring_sqe* entry = ring_->entry_or_flush();
    if (entry == nullptr) return;
    io_uring_prep_cancel64(entry, parked_cancels_.back(), 0);
    entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(entry, cancel_tag);
    parked_cancels_.pop_back();
  }
  close_postponed();
}

void uring_backend::arm_wake() noexcept {
  // The poll stays armed and reports every write as it happens, so the counter never needs to be
  // read.
  io_uring_sqe* entry = ring_->entry_or_flush();
  if (entry == nullptr) return;
  io_uring_prep_poll_multishot(entry, wake_descriptor_, POLLIN);
  io_uring_sqe_set_data64(entry, wake_tag);
  wake_armed_ = true;
}

bool uring_backend::pending() const noexcept {
  return ring_->pending() || parked_first_ != nullptr || !parked_cancels_.empty() ||
         cancel_again_ || retry_due_ || area_unserved_;
}

result<void> uring_backend::wait(time_point deadline, time_point now) noexcept {
  ++counters_.waits;
  if (!wake_armed_) arm_wake();
  submit_parked();
  if (std::exchange(cancel_again_, false))
    for (operation* connect : cancelled_connects_) push_cancel(user_data_of(*connect));
  refill_groups();
  if (area_ != nullptr) [[unlikely]]
    serve_waiting();
  const int status = enter(deadline, now);
  if (status < 0 && reaction_to(failing_call::enter, status) == reaction::fatal)
    return failure(kernel_error(status));
  return {};
}

void uring_backend::deliver() noexcept {
  take_completions();
  resolve_silent();
  if (ready_descriptor_.load(std::memory_order_relaxed) >= 0) [[unlikely]]
    show_whether_ready();
}

void uring_backend::take_completions() noexcept {
  take_round();
  // A handler that found the submission queue full has entered the kernel, and what that brought
  // may be the failure of a silent send.
  for (unsigned round = 0; silent_count_ != 0 && ring_->ready() != 0 && round < extra_round_max;
       ++round)
    take_round();
  if (!ring_->overflowed()) return;
  ++counters_.overflows;
  for (unsigned round = 0; round < extra_round_max && ring_->overflowed(); ++round) {
    refill_groups();
    if (ring_->submit() < 0) return;
    take_round();
  }
}

void uring_backend::take_round() noexcept {
  if (area_ != nullptr) [[unlikely]] {
    const unsigned taken = ring_->ready();
    counters_.completions +=
        ring_->drain_wide([this](const io_uring_cqe& cqe) noexcept { take_wide(cqe); });
    // Two places short of full there may have been no room for another.
    area_ran_out_ = area_ran_out_ || taken + 2 >= ring_->raw().cq.ring_entries;
    nudge_last_served();
  } else
    counters_.completions += ring_->drain([this](const io_uring_cqe& cqe) noexcept { take(cqe); });
}

[[gnu::always_inline]] inline void uring_backend::take(const io_uring_cqe& cqe) noexcept {
  if (cqe.user_data < own_tag_limit) [[unlikely]]
    return take_own(cqe);
  operation& completed = *operation_of(cqe.user_data);
  const auto generation = static_cast<std::uint16_t>(cqe.user_data >> generation_shift);
  if (completed.idle() || completed.generation != generation) [[unlikely]]
    return reclaim(completed, cqe);
  const bool more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  if (!more) completed.state = operation_state::idle;
  if (completed.kind() == operation_kind::receive) [[likely]]
    return take_received(completed, cqe, more);
  take_other(completed, cqe);
}

void uring_backend::take_wide(const io_uring_cqe& cqe) noexcept {
  if (cqe.user_data >= own_tag_limit) {
    operation& completed = *operation_of(cqe.user_data);
    const auto generation = static_cast<std::uint16_t>(cqe.user_data >> generation_shift);
    if (completed.kind() == operation_kind::receive && receive_area::serves(completed) &&
        !completed.idle() && completed.generation == generation)
      return take_from_area(completed, cqe);
  }
  take(cqe);
}

[[gnu::noinline]] void uring_backend::take_other(operation& completed,
                                                 const io_uring_cqe& cqe) noexcept {
  const bool more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  if (completed.kind() == operation_kind::receive_datagram)
    return take_datagram(completed, cqe, more);
  if (completed.kind() == operation_kind::send_zero_copy)
    return take_zero_copy(completed, cqe, more);
  if (is_silent(completed)) silent_[completed.backend_index].sent = nullptr;
  if (completed.kind() == operation_kind::connect && completed.cancelled)
    std::erase(cancelled_connects_, &completed);
  if (completed.kind() == operation_kind::accept &&
      take_accepted(static_cast<accept_operation&>(completed), cqe.res, more))
    return;
  if (completed.kind() == operation_kind::close && cqe.res >= 0 && completed.descriptor.is_direct())
    direct_.emptied();
  if (completed.kind() == operation_kind::hand_over)
    take_handed_over(static_cast<hand_over_operation&>(completed), cqe.res);
  completion what(completed.cancelled && cqe.res == -EINTR ? -ECANCELED : cqe.res);
  what.more = more;
  completed.complete(what);
}

[[gnu::always_inline]] inline void uring_backend::take_received(operation& completed,
                                                                const io_uring_cqe& cqe,
                                                                bool more) noexcept {
  buffer_ring& from = *groups_[completed.backend_index];
  if (cqe.res <= 0 || from.parted()) [[unlikely]]
    return take_odd(from, completed, cqe);
  completion what(cqe.res, from.take(cqe.flags >> IORING_CQE_BUFFER_SHIFT,
                                     static_cast<std::uint32_t>(cqe.res)));
  what.more = more;
  // Unix sockets do not tell before Linux 6.17; a buffer that is full speaks for itself.
  what.more_to_read = (cqe.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0 ||
                      static_cast<std::uint32_t>(cqe.res) == from.size_bytes();
  completed.complete(what);
}

/// What is not one buffer with bytes.
[[gnu::noinline]] void uring_backend::take_odd(buffer_ring& from, operation& completed,
                                               const io_uring_cqe& cqe) noexcept {
  const bool brings_buffer = (cqe.flags & IORING_CQE_F_BUFFER) != 0;
  if (from.parted() && brings_buffer) return take_parts(from, completed, cqe);
  // A completion that failed may carry a buffer as well.
  if (brings_buffer) from.take(cqe.flags >> IORING_CQE_BUFFER_SHIFT, 0).release();
  if (cqe.res == -ENOBUFS) ++counters_.no_buffer;
  completion what(cqe.res);
  what.more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  what.more_to_read = (cqe.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
  completed.complete(what);
}

// Whether a notification follows is told by the result's F_MORE alone: errors have one as well.
void uring_backend::take_zero_copy(operation& completed, const io_uring_cqe& cqe,
                                   bool more) noexcept {
  completion what(completed.cancelled && cqe.res == -EINTR ? -ECANCELED : cqe.res);
  what.more = more;
  what.notification = (cqe.flags & IORING_CQE_F_NOTIF) != 0;
  if (what.notification) {
    what.copied = (static_cast<std::uint32_t>(cqe.res) & IORING_NOTIF_USAGE_ZC_COPIED) != 0;
    what.result = 0;
  }
  completed.complete(what);
}

void uring_backend::take_own(const io_uring_cqe& cqe) noexcept {
  if (cqe.user_data == cancel_tag) {
    // On a full Unix backlog the kernel tries a connect again and again before a worker waits with
    // it, and a cancel that comes in between finds nothing.
    cancel_again_ = !cancelled_connects_.empty();
    return;
  }
  if (cqe.user_data >= first_inlet_tag) return take_in(cqe);
  if (cqe.user_data == retry_tag) {
    retry_armed_ = false;
    retry_due_ = true;
    return;
  }
  if (cqe.user_data != wake_tag) return take_late_call(cqe);
  ++counters_.wakes;
  if ((cqe.flags & IORING_CQE_F_MORE) == 0) wake_armed_ = false;
}

/// What a late completion brought.
void uring_backend::reclaim(const operation& was, const io_uring_cqe& cqe) noexcept {
  ++counters_.late_completions;
  if (was.kind() == operation_kind::receive_datagram) buffer_of(cqe).release();
  if (was.kind() == operation_kind::receive && (cqe.flags & IORING_CQE_F_BUFFER) != 0)
    drop_received(*groups_[was.backend_index], cqe);
  else if (was.kind() == operation_kind::receive && area_ != nullptr && cqe.res > 0)
    area_->take(cqe).release();
  if (was.kind() == operation_kind::accept && cqe.res >= 0) {
    const completion unwanted(cqe.res);
    if (static_cast<const accept_operation&>(was).brings_direct) direct_.filled();
    network_.close(static_cast<const accept_operation&>(was).accepted(unwanted));
  }
}

void uring_backend::resolve_silent() noexcept {
  unresolved_ = silent_count_ != 0 && (ring_->overflowed() || ring_->ready() != 0);
  if (silent_count_ == 0 || unresolved_) return;
  // The owners may submit new ones while the old ones are gone through.
  silent_.swap(resolving_);
  const unsigned count = std::exchange(silent_count_, 0);
  if (ring_->unsubmitted() != 0) [[unlikely]]
    keep_unsubmitted();
  completion what(0);
  for (const silent_send& each : std::span(resolving_.get(), count)) {
    if (each.sent == nullptr) continue;
    ++counters_.silent_sends;
    what.result = static_cast<std::int32_t>(each.size);
    each.sent->state = operation_state::idle;
    each.sent->complete(what);
  }
}

/// Of the silent sends that are gone through, those that the kernel has not taken yet.
void uring_backend::keep_unsubmitted() noexcept {
  ring_->each_unsubmitted([this](const io_uring_sqe& entry) noexcept {
    if (entry.user_data < own_tag_limit) return;
    operation& waits = *operation_of(entry.user_data);
    if (!is_silent(waits)) return;
    unresolved_ = true;
    silent_send& noted = resolving_[waits.backend_index];
    waits.backend_index = silent_count_;
    silent_[silent_count_++] = std::exchange(noted, {});
  });
}

backend_counters uring_backend::counters() const noexcept {
  backend_counters now = counters_;
  now.kernel_entries = ring_->entries();
  now.direct_places = direct_.capacity();
  now.direct_open = direct_.open_count();
  now.direct_opened += network_.direct_opened_count();
  now.direct_full += network_.direct_full_count();
  now.direct_installed = network_.installed_count();
  if (area_ != nullptr) area_->count_into(now.zero_copy_receive);
  return now;
}

}  // namespace myra::io
