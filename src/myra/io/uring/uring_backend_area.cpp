// The part of the backend that receives without a copy.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "myra/io/uring/receive.hpp"
#include "myra/io/uring/uring_backend.hpp"
#include "myra/io/uring/user_data.hpp"

namespace myra::io {
namespace {

/// Short for who waits, and long for a processor.
constexpr __kernel_timespec retry_pause = {.tv_sec = 0, .tv_nsec = 10'000'000};

}  // namespace

/// Its ring is of the ordinary kind: one for an area walks its completions more slowly.
opened<std::unique_ptr<uring_backend>> uring_backend::open_without_area(
    const uring_options& options, buffer_pool& pool, const error_report& why) {
  uring_options without = options;
  without.zero_copy_receive = {};
  auto backend = open(without, pool);
  if (backend) (*backend)->area_absence_ = describe(why);
  return backend;
}

void uring_backend::use(std::unique_ptr<receive_area> area) noexcept {
  area_ = std::move(area);
  area_->pool().on_homecoming(
      [](void* self) noexcept { static_cast<uring_backend*>(self)->wake(); }, this);
}

/// One of which it is known that there are bytes goes behind those that wait for a page: armed now
/// it would take theirs. Its place in the submission queue stays empty.
void uring_backend::prepare_for_area(io_uring_sqe* entry, receive_operation& receive) noexcept {
  if (!area_->has_waiting() || receive.poll_first) return area_->prepare(entry, receive);
  io_uring_prep_nop(entry);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, taken_tag);
  area_->wait_on(receive);
}

void uring_backend::take_from_area(operation& completed, const io_uring_cqe& cqe) noexcept {
  const bool more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  if (!more) completed.state = operation_state::idle;
  if (cqe.res <= 0) return end_area_receive(completed, cqe.res);
  receive_area::count(completed, cqe.res);
  last_from_area_ = more ? &completed : nullptr;
  completion what(cqe.res, area_->take(cqe));
  if (!what.bytes) what.result = -ENOMEM;
  what.more = more;
  completed.complete(what);
}

void uring_backend::end_area_receive(operation& ended, std::int32_t result) noexcept {
  completion what(result);
  if (last_from_area_ == &ended) last_from_area_ = nullptr;
  const bool nudged = result == -ECANCELED && !ended.cancelled;  // by nudge_last_served
  // Ends by which nothing is said about the stream.
  if (nudged || (result == 0 && receive_area::had_its_share(ended))) {
    what.result = -EINTR;
    what.more_to_read = true;
  } else if (result == -ENOSPC) {
    area_ran_out_ = true;
    area_->note_full_queue();
    area_unserved_ = true;
    if (!ended.cancelled) return area_->wait_on(ended);
    what.result = -ECANCELED;
  } else if (result == -ENOMEM) {
    ++counters_.no_buffer;
    area_ran_out_ = area_unserved_ = true;
    if (!ended.cancelled) return area_->keep_waiting(ended);
    what.result = -ECANCELED;
  } else if (result == -EPROTONOSUPPORT) {
    return receive_into_pool(static_cast<receive_operation&>(ended));
  }
  if (ended.cancelled && what.result == -EINTR) what.result = -ECANCELED;
  ended.complete(what);
}

/// The socket is not one of TCP (but of MPTCP, for instance): it cannot be received from otherwise.
void uring_backend::receive_into_pool(receive_operation& receive) noexcept {
  io_uring_sqe* entry = receive.cancelled ? nullptr : ring_->entry_or_flush();
  if (entry == nullptr) {
    completion ended(receive.cancelled ? -ECANCELED : -EINTR);
    return receive.complete(ended);
  }
  ++receive.generation;
  receive.state = operation_state::in_flight;
  entry->user_data = user_data_of(receive);
  prepare(entry, receive, group_for(receive), limits_receives_);
}

/// A receive that ran out of pages, or of room in the completion queue, after it had brought some
/// bytes stays armed in the kernel and is not tried again before more arrives, which may be never:
/// the peer waits for an answer. Of those that run out in one entry of the kernel it can only be
/// the last one that brought anything. It is ended, and its owner arms it again.
void uring_backend::nudge_last_served() noexcept {
  operation* last = std::exchange(last_from_area_, nullptr);
  const bool ran_out = std::exchange(area_ran_out_, false) || area_->took_last_page();
  if (last != nullptr && ran_out && !last->cancelled) push_cancel(user_data_of(*last));
}

/// While nothing tells of a page: one receive, now and then. The ring itself tells when, so that
/// this holds for foreign loops as well.
std::uint32_t uring_backend::retry_count(bool due) noexcept {
  if (due) return 1;
  if (retry_armed_) return 0;
  io_uring_sqe* entry = ring_->entry_or_flush();
  if (entry == nullptr) return 1;
  io_uring_prep_timeout(entry, &retry_pause, 0, 0);
  io_uring_sqe_set_data64(entry, retry_tag);
  retry_armed_ = true;
  return 0;
}

/// Receives that found no page, or no room for a completion: those that were cancelled end, and as
/// many as there are pages are armed again, in the order in which they came. While the kernel keeps
/// completions back all would fail at once, and those failures be kept back as well.
void uring_backend::serve_waiting() noexcept {
  area_unserved_ = false;
  const bool due = std::exchange(retry_due_, false);
  if (!area_->has_waiting()) return;
  const std::uint32_t room =
      ring_->overflowed() ? 0 : std::max(1U, ring_->raw().cq.ring_entries / 4);
  std::uint32_t servable =
      std::min(area_->hopeless() ? retry_count(due) : area_->servable_count(), room);
  operation* waiting = area_->take_waiting();
  while (waiting != nullptr) {
    operation& next = *waiting;
    waiting = next.backend_next;
    if (next.cancelled) {
      next.state = operation_state::idle;
      unresolved_ = true;  // what its handler brings about is not to be slept over
      completion ended(-ECANCELED);
      next.complete(ended);
    } else if (servable == 0) {
      area_->wait_on(next);
    } else {
      --servable;
      next.state = operation_state::idle;
      submit(next);
    }
  }
  area_->note_served();
  // Nobody tells of room in the queue.
  if (area_->has_waiting() && !area_->hopeless() && area_->servable_count() != 0)
    unresolved_ = area_unserved_ = true;
}

}  // namespace myra::io
