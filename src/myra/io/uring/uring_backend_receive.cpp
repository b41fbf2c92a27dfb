// The part of the backend that knows groups of buffers, and completions that stand for less or more
// than one buffer.
#include <algorithm>
#include <cerrno>

#include "myra/io/uring/receive_limit.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {

std::optional<error_report> uring_backend::open_groups(const uring_options& options,
                                                       buffer_pool& pool) {
  io_uring& raw = ring_->raw();
  const bool bundles =
      options.features.receive_bundles && (raw.features & IORING_FEAT_RECVSEND_BUNDLE) != 0;
  auto whole = buffer_ring::open(
      raw, pool, {.group = whole_group, .count = options.receive_buffer_count, .bundles = bundles});
  if (!whole) return std::move(whole.error());
  groups_[whole_group] = std::move(*whole);
  // What follows makes things better where it can be had.
  if (options.features.incremental_buffers) {
    auto piecewise = buffer_ring::open(raw, pool,
                                       {.group = piecewise_group,
                                        .count = options.receive_buffer_count,
                                        .incremental = true,
                                        .bundles = bundles});
    if (piecewise) {
      groups_[piecewise_group] = std::move(*piecewise);
      stream_group_ = piecewise_group;
    }
  }
  if (options.features.large_buffers && options.large_pool != nullptr) {
    auto large = buffer_ring::open(
        raw, *options.large_pool,
        {.group = large_group, .count = options.large_buffer_count, .bundles = bundles});
    if (large) groups_[large_group] = std::move(*large);
  }
  // Last, since what the trial's ring takes of RLIMIT_MEMLOCK comes back late.
  limits_receives_ = options.features.receive_limit && kernel_limits_receives();
  // Either kind of socket will take from this one. The others take slots when they are asked for.
  if (stream_group_ == whole_group) groups_[whole_group]->want();
  return std::nullopt;
}

void uring_backend::refill_groups() noexcept {
  groups_[whole_group]->refill();
  if (groups_[piecewise_group]) groups_[piecewise_group]->refill();
  if (groups_[large_group]) groups_[large_group]->refill();
  if (area_) area_->refill();
}

buffer_ring& uring_backend::group_for(receive_operation& receive) noexcept {
  const bool large = receive.large_buffers && groups_[large_group] != nullptr;
  receive.backend_index = large ? large_group : stream_group_;
  buffer_ring& chosen = *groups_[receive.backend_index];
  chosen.want();
  return chosen;
}

/// Delivers what one completion brought as one of the operation for each part.
void uring_backend::take_parts(buffer_ring& from, operation& completed,
                               const io_uring_cqe& cqe) noexcept {
  const operation_state afterwards = completed.state;
  const bool more_told = (cqe.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0;
  const auto deliver = [&](std::int32_t result, buffer&& part, bool last, bool fills) noexcept {
    completion what(result, std::move(part));
    what.more = !last || afterwards != operation_state::idle;
    what.more_to_read = !last || fills || more_told;
    completed.state = last ? afterwards : operation_state::in_flight;
    completed.complete(what);
  };
  const bool in_order = from.take_parts(cqe, [&](buffer&& part, bool last, bool fills) noexcept {
    if (cqe.res <= 0) {
      part.release();
      return deliver(cqe.res, {}, last, false);
    }
    const std::int32_t result = part ? static_cast<std::int32_t>(part.size()) : -ENOMEM;
    deliver(result, std::move(part), last, fills);
  });
  // The kernel filled other buffers than it should have: what the bytes are nobody knows.
  if (!in_order) deliver(-EIO, {}, true, false);
}

void uring_backend::drop_received(buffer_ring& from, const io_uring_cqe& cqe) noexcept {
  if (!from.parted()) return from.take(cqe.flags >> IORING_CQE_BUFFER_SHIFT, 0).release();
  static_cast<void>(
      from.take_parts(cqe, [](buffer&& part, bool, bool) noexcept { part.release(); }));
}

}  // namespace myra::io
