// The completion queue: what is told, when, and in which order.
#include <algorithm>
#include <cassert>
#include <utility>

#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {
namespace {

using sim::event;
using sim::fault;

/// Completions of one direction of one socket stay in their order.
int direction_of(operation_kind kind) noexcept {
  const bool reads = kind == operation_kind::accept || kind == operation_kind::receive ||
                     kind == operation_kind::receive_datagram;
  return reads ? 0 : 1;
}

}  // namespace

bool sim_backend::complete(flight& of, queue_entry what) noexcept {
  what.flight = of.op->backend_index;
  // The bytes of a zero-copy send are let go of later, whatever its result.
  if (of.op->kind() == operation_kind::send_zero_copy && !what.notification) {
    what.more = true;
    detach(of);
    tell(of, what);
    return true;
  }
  if (what.more &&
      (queue_.size() + late_.size() >= wishes_.completion_entries || strikes(fault::overflow))) {
    what.more = false;
    overflowed_ = true;
  }
  if (!what.more) detach(of);
  tell(of, what);
  return what.more;
}

/// Now or later.
void sim_backend::tell(flight& of, const queue_entry& what) noexcept {
  if (of.on == nullptr) return push(what);
  world_.note(event::completed, *of.on, what.result, static_cast<std::int64_t>(of.op->kind()));
  time_point when = world_.now();
  if (world_.strikes(fault::late_notice, *of.on))
    when += std::chrono::microseconds(of.on->chance.below(20'000));
  time_point& last = of.on->last_told[direction_of(of.op->kind())];
  last = std::max(last, when);
  if (last == world_.now()) return push(what);
  late_.emplace(++late_count_, what);
  world_.at(last, &on_late_notice, nullptr, std::uint64_t{serial_} << 32 | late_count_);
  // What completes at that very moment comes after it, too.
  last += std::chrono::nanoseconds(1);
}

void sim_backend::on_late_notice(sim::simulation& world, const sim::appointment& due) {
  sim_backend* self = find(world, due.value >> 32);
  assert(self != nullptr);
  const auto node = self->late_.extract(static_cast<std::uint32_t>(due.value));
  self->push(node.mapped());
}

/// The socket has no more to do with it.
void sim_backend::detach(flight& ended) noexcept {
  if (ended.on == nullptr) {
    std::erase(real_polls_, ended.op);
    return;
  }
  if (ended.on->reader == ended.op) ended.on->reader = nullptr;
  if (ended.on->writer == ended.op) ended.on->writer = nullptr;
  std::erase(ended.on->polls, ended.op);
}

void sim_backend::push(const queue_entry& told) noexcept {
  queue_.push_back(told);
  if (asleep_) attend();
}

void sim_backend::deliver() noexcept {
  if (std::exchange(overflowed_, false)) ++counters_.overflows;
  // What handlers bring about on the way is for the next turn.
  assert(delivering_.empty());
  delivering_.swap(queue_);
  const std::vector<operation*> silent = std::exchange(silent_, {});
  reorder(delivering_);
  for (std::size_t i = 0; i < delivering_.size(); ++i) hand_over(delivering_[i]);
  delivering_.clear();
  for (operation* each : silent) {
    ++counters_.silent_sends;
    flight& sent = flight_of(*each);
    detach(sent);
    hand_over({.flight = each->backend_index, .result = static_cast<std::int32_t>(sent.done)});
  }
  if (shown_.load(std::memory_order_relaxed)) show_whether_ready();
}

void sim_backend::reorder(std::vector<queue_entry>& told) noexcept {
  const auto same = [this](const queue_entry& left, const queue_entry& right) {
    const flight& a = flights_[left.flight];
    const flight& b = flights_[right.flight];
    return a.on == b.on && direction_of(a.op->kind()) == direction_of(b.op->kind());
  };
  for (std::size_t i = 0; i + 1 < told.size(); ++i) {
    if (!strikes(fault::reordered)) continue;
    const auto from = told.begin() + static_cast<std::ptrdiff_t>(i);
    const auto chosen = from + static_cast<std::ptrdiff_t>(chance_.below(told.size() - i));
    if (std::none_of(from, chosen, [&](const queue_entry& each) { return same(each, *chosen); }))
      std::rotate(from, chosen, chosen + 1);
  }
}

void sim_backend::hand_over(const queue_entry& told) noexcept {
  flight& ended = flights_[told.flight];
  operation& op = *ended.op;
  ++counters_.completions;
  if (ended.on != nullptr)
    world_.note(event::delivered, *ended.on, told.result, static_cast<std::int64_t>(op.kind()));
  completion what(told.result);
  what.more = told.more;
  what.more_to_read = told.more_to_read;
  what.notification = told.notification;
  what.copied = told.copied;
  if (op.kind() == operation_kind::send_zero_copy && !told.notification) let_go_later(ended);
  if (told.bytes != nullptr)
    what.bytes = pool_.from_kernel(told.bytes->index, static_cast<std::uint32_t>(told.result));
  arrival from;
  if (told.came != nullptr) {
    from = {.peer = told.came->from.data(),
            .peer_size = told.came->from.size(),
            .size = static_cast<std::uint32_t>(told.came->bytes.size())};
    what.from = &from;
  }
  if (!told.more) {
    if (ended.on != nullptr) --ended.on->in_flight;
    if (op.cancelled) std::erase(cancels_, &op);
    ended = {};
    free_flights_.push_back(told.flight);
    --in_flight_count_;
    op.state = operation_state::idle;
  }
  op.complete(what);
}

}  // namespace myra::io
