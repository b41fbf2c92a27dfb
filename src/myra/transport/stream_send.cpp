#include <algorithm>
#include <cassert>

#include "myra/core/copy.hpp"
#include "myra/io/error_table.hpp"
#include "myra/transport/stream.hpp"
#include "myra/transport/stream_call.hpp"
#include "myra/transport/stream_table.hpp"

namespace myra {
namespace {

// One send carries at most this much: enough to amortise the kernel entry, little enough to stay in
// the second-level cache.
constexpr std::uint32_t send_bytes_max = 512 * 1024;

}  // namespace

sent stream::refuse(buffer* unsent_buffer, byte_view unsent_bytes) noexcept {
  if (!sending_open()) return {send_status::closed, {}, this, unsent_buffer, unsent_bytes};
  awaited_.add(send_need::room);
  // A silent send that is on its way would end without waking anybody.
  if (send_.silent && !send_.idle()) loop_.hasten();
  return {send_status::back_pressured, {}, this, unsent_buffer, unsent_bytes};
}

inline sent stream::send(buffer&& bytes) noexcept {
  if (!can_send() || bytes.empty()) [[unlikely]]
    return send_none(bytes);
  tail_room_ = 0;
  enqueue(*std::move(bytes).into_slot());
  return {send_status::accepted, {}, this, nullptr, {}};
}

sent stream::send_none(buffer& bytes) noexcept {
  if (!can_send()) return refuse(&bytes, {});
  bytes.release();
  return {send_status::accepted, {}, this, nullptr, {}};
}

// Here, so that the one is part of the other.
sent connection::send(buffer&& bytes) noexcept { return stream_->send(std::move(bytes)); }

sent stream::send(buffer&& bytes, send_options options) noexcept {
  if (options.zero_copy == zero_copy_mode::automatic || bytes.empty())
    return send(std::move(bytes));
  if (!can_send()) {
    sent refused = refuse(&bytes, {});
    refused.options = options;
    return refused;
  }
  tail_room_ = 0;
  wished_ = true;
  set_zero_copy_from();
  enqueue(*std::move(bytes).into_slot(), options.zero_copy);
  return {send_status::accepted, {}, this, nullptr, {}};
}

bool stream::has_slots_for(std::uint32_t size) noexcept {
  if (size <= tail_room_) return true;
  buffer_pool& pool = loop_.pool();
  const std::uint32_t slot_size = pool.slot_size_bytes();
  if (size <= slot_size && pool.free_count() != 0) return true;
  const std::uint32_t needed = (size - tail_room_ + slot_size - 1) / slot_size;
  return pool.reserve(needed);
}

sent stream::send_copy(byte_view bytes) noexcept {
  if (!can_send()) return refuse(nullptr, bytes);
  loop_.pool().collect();
  if (!has_slots_for(static_cast<std::uint32_t>(bytes.size()))) {
    auto refused = refuse(nullptr, bytes);
    loop_.await_buffer(starved_);
    return refused;
  }
  while (!bytes.empty()) {
    if (tail_room_ == 0) {
      buffer fresh = loop_.pool().acquire();
      assert(fresh && "has_slots_for promised it");
      tail_room_ = fresh.capacity();
      fresh.resize(0);
      enqueue(*std::move(fresh).into_slot());
    }
    slot& tail = *queue_.last;
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), tail_room_));
    copy_payload({tail.data + tail.size, count}, bytes.first(count), loop_.tally().bytes_copied);
    counters_.bytes_copied += count;
    tail.size += count;
    tail_room_ -= count;
    queued_bytes_ += count;
    bytes = bytes.subspan(count);
  }
  return {send_status::accepted, {}, this, nullptr, {}};
}

// Adds to a send of one slot what may go with it.
void stream::gather(io::send_operation& into, slot_queue& taken, send_vector*& vector) noexcept {
  vector = table_.acquire_vector();
  if (vector == nullptr) return;
  vector->parts[0] = {taken.first->data, taken.first->size};
  unsigned count = 1;
  while (!queue_.empty() && count < send_vector::part_max &&
         into.size + queue_.first->size <= send_bytes_max &&
         queue_.first->wish == taken.first->wish) {
    slot& next = queue_.pop();
    next.pool->hand_to_kernel(next);
    taken.push(next);
    vector->parts[count++] = {next.data, next.size};
    into.size += next.size;
  }
  vector->header = {};
  vector->header.msg_iov = vector->parts.data();
  vector->header.msg_iovlen = count;
  into.vector = &vector->header;
}

/// What gather() would make of the queue.
std::uint32_t stream::next_send_size() const noexcept {
  std::uint32_t size = 0;
  unsigned count = 0;
  for (const slot* at = queue_.first; at != nullptr && count < send_vector::part_max;
       at = at->next, ++count) {
    if (count != 0 && (size + at->size > send_bytes_max || at->wish != queue_.first->wish)) break;
    size += at->size;
  }
  return size;
}

/// A silent send gives its slots back in the loop's next turn, which may be far; whose they are may
/// wait for them on another thread.
bool stream::nobody_waits_elsewhere(const slot_queue& sent) noexcept {
  for (const slot* each = sent.first; each != nullptr; each = each->next)
    if (each->owner != slot_owner::kernel) return false;
  return true;
}

/// Sends what the queue begins with.
void stream::flush() noexcept {
  if (queue_.empty() || !send_.idle()) return;
  if (queued_bytes_ >= zero_copy_from_ && flush_zero_copy()) return;
  slot& first = queue_.pop();
  first.pool->hand_to_kernel(first);
  in_send_ = {};
  in_send_.push(first);
  send_.data = first.data;
  send_.size = first.size;
  if (!queue_.empty()) gather(send_, in_send_, vector_);
  send_.silent = !awaited_.any() && queue_.empty() && nobody_waits_elsewhere(in_send_);
  submit_send();
}

inline void stream::submit_send() noexcept {
  tail_room_ = 0;  // what is in the kernel's hands grows no more
  ++loop_.tally().sends;
  ++counters_.sends;
  loop_.backend().submit(send_);
  // Asked afterwards: a backend that cannot keep track of one more silent send makes it another.
  if (!send_.silent) expect_send_progress();
}

void stream::on_attend(deferred& called) noexcept {
  stream& self = static_cast<own<deferred>&>(called).self;
  // What attend() is called for nearly always: one slot is to be sent, and nothing else to be done.
  if (self.awaited_.any() || self.undelivered() || self.queue_.empty() || !self.send_.idle() ||
      self.receive_.idle() || self.queued_bytes_ >= self.zero_copy_from_) [[unlikely]]
    return self.attend();
  slot& only = *self.queue_.first;
  if (only.next != nullptr) [[unlikely]]
    return self.attend();
  self.send_.data = only.data;
  self.send_.size = only.size;
  self.in_send_ = std::exchange(self.queue_, {});
  only.pool->hand_to_kernel(only);
  self.send_.silent = only.owner == slot_owner::kernel;
  self.submit_send();
}

void stream::attend() noexcept {
  if (undelivered() && state_ < connection_state::draining) deliver_queued();
  if (state_ >= connection_state::closing) return attend_the_end();
  flush();
  if (send_.idle() && last_is_sent()) sending_done();
  if (receive_.idle()) arm_receive();
}

void stream::attend_the_end() noexcept {
  if (state_ == connection_state::closed) return announce_close_late();
  close_when_idle();
}

void stream::on_send_complete(io::operation& completed, io::completion& what) noexcept {
  stream& self = static_cast<own<io::send_operation>&>(completed).self;
  const std::uint32_t size = self.send_.size;
  if (static_cast<std::uint32_t>(what.result) != size || self.vector_ != nullptr ||
      self.awaited_.any()) [[unlikely]]
    return self.take_send_result(what.result);
  self.count_sent(size);
  self.last_activity_ = self.loop_.now();
  if (!self.queue_.empty()) self.attend_soon();
  slot& only = *self.in_send_.first;
  only.pool->reclaim(only);
}

/// Of a send of several slots, one that was short, or one whose end somebody has waited for.
void stream::take_send_result(std::int32_t result) noexcept {
  const auto sent_bytes = static_cast<std::uint32_t>(std::max(result, 0));
  count_sent(sent_bytes);
  stop_send_time();
  if (vector_ != nullptr) {
    table_.release_vector(*std::exchange(vector_, nullptr));
    send_.vector = nullptr;
  }
  const bool all = sent_bytes == send_.size;
  awaited_.set(send_need::poll, !all);
  if (all)
    release_sent(in_send_);
  else
    take_back(in_send_, sent_bytes);
  if (state_ == connection_state::closing) return close_when_idle();
  if (result < 0 && io::reaction_to(io::failing_call::send, result) != io::reaction::retry)
    return fail(result, io::failing_call::send);
  if (sent_bytes != 0) last_activity_ = loop_.now();
  go_on_sending();
}

void stream::release_sent(slot_queue& sent) noexcept {
  while (!sent.empty()) {
    slot& gone = sent.pop();
    gone.pool->reclaim(gone);
  }
}

void stream::take_back(slot_queue& from, std::uint32_t sent_bytes) noexcept {
  slot_queue unsent;
  while (!from.empty()) {
    slot& at = from.pop();
    at.pool->take_from_kernel(at);
    if (sent_bytes >= at.size) {
      sent_bytes -= at.size;
      at.pool->release(at);
      continue;
    }
    at.data += sent_bytes;
    at.size -= sent_bytes;
    sent_bytes = 0;
    unsent.push(at);
  }
  if (queue_.empty()) tail_room_ = 0;
  queue_.prepend(unsent);
}

/// Less than half of the pool is left, and what is to be sent is no less than a share of that: the
/// dynamic threshold of A. K. Choudhury and E. L. Hahne, "Dynamic Queue Length Thresholds for
/// Shared-Memory Packet Switches", IEEE/ACM Transactions on Networking 6 (1998).
bool stream::is_greedy() const noexcept {
  const std::uint32_t count = queue_.count + (send_.idle() ? 0 : in_send_.count);
  const buffer_pool& pool = loop_.pool();
  const std::uint64_t left = loop_.buffers_left();
  // What the kernel alone still holds is no reason to take nothing.
  if (count == 0 || left >= pool.slot_count_max() / 2) return false;
  const std::uint64_t slot_size = pool.slot_size_bytes();
  const auto is_share = [&](std::uint64_t bytes) {
    return bytes != 0 && bytes * table_.open_count() >= left * slot_size;
  };
  // How many there are bounds what they hold.
  return is_share(count * slot_size + zero_copy_pool_bytes_) && is_share(unsent_pool_bytes());
}

/// More is queued behind a send that has not completed.
void stream::hold_back_if_greedy() noexcept {
  if (held_back() || !sending_open() || loop_.options().shortage_patience == duration::zero())
    return;
  if (!is_greedy()) return;
  loop_.pool().collect();
  if (!is_greedy()) return;
  awaited_.add(send_need::share);
  accepts_below_ = 1;
  ++loop_.tally().hold_backs;
  table_.look_at_held_back_later();
}

void stream::let_on_if_modest() noexcept {
  if (is_greedy()) return;
  awaited_.remove(send_need::share);
  accepts_below_ = options_.send_high_water_bytes;
}

void stream::look_at_hold_back() noexcept {
  if (!held_back()) return;
  let_on_if_modest();
  if (held_back()) return table_.look_at_held_back_later();
  tell_of_room();
}

bool stream::tell_of_room() noexcept {
  if (held_back() || !awaited_.has(send_need::room) ||
      queued_bytes_ > options_.send_low_water_bytes || !sending_open())
    return false;
  awaited_.remove(send_need::room);
  if (send_waiter_ != nullptr)
    wake_send_waiter();
  else if (handler_ != nullptr)
    call_handler([&](connection& peer) { handler_->on_writable(peer); });
  return true;
}

void stream::wait_send(stream_waiter* waiter) noexcept {
  assert((waiter == nullptr || send_waiter_ == nullptr) &&
         "two coroutines wait to send on one connection");
  send_waiter_ = waiter;
}

void stream::expect_send_progress() noexcept {
  // The turn's clock may be as old as the handlers' work.
  send_began_ = std::max(loop_.now(), loop_.backend().rough_now());
  awaited_.add(send_need::progress);
  if (options_.write_timeout == duration::zero()) return;
  if (!timer_.armed() || timer_.deadline() > next_deadline())
    loop_.timers().arm(timer_, next_deadline());
}

bool stream::stalled_since(time_point since) const noexcept {
  if (state_ >= connection_state::closing) return false;
  return (send_began_ != never && send_began_ <= since) ||
         (zero_copy_held_ != 0 && zero_copy_moved_ <= since);
}

std::uint64_t stream::unsent_pool_bytes() const noexcept {
  // What a send of one slot was stays in in_send_ until the next.
  return zero_copy_pool_bytes_ + pool_bytes(queue_) + (send_.idle() ? 0 : pool_bytes(in_send_));
}

std::uint64_t stream::held_bytes() const noexcept {
  return unsent_pool_bytes() + pool_bytes(received_);
}

/// Of the reactor's pool, with what lies in them: slots, and pieces of slots.
std::uint64_t stream::pool_bytes(const slot_queue& in) const noexcept {
  std::uint64_t size = 0;
  for (const slot* each = in.first; each != nullptr; each = each->next)
    size += each->pool == &loop_.pool() ? each->room : 0;
  return size;
}

void stream::drop_queue(slot_queue& queue) noexcept {
  while (!queue.empty()) {
    slot& dropped = queue.pop();
    dropped.pool->release(dropped);
  }
}

}  // namespace myra
