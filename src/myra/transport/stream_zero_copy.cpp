// A send without a copy has an object of its own, from the table, since it is with the kernel for
// longer than the next send can wait: until the peer has acknowledged the bytes. The stream is
// kept from the next send until the result only.
#include <algorithm>

#include "myra/io/error_table.hpp"
#include "myra/transport/stream.hpp"
#include "myra/transport/stream_table.hpp"

namespace myra {
bool stream::zero_copy_on_its_way() const noexcept {
  return zero_copy_ != nullptr && !zero_copy_->told;
}

/// Whether there is nothing to be done for a send of the ordinary kind.
bool stream::flush_zero_copy() noexcept {
  if (zero_copy_ != nullptr) {
    if (loop_.buffers_may_be_few()) hold_back_if_greedy();
    return true;
  }
  const auto wish = static_cast<zero_copy_mode>(queue_.first->wish);
  // What a peer does not read is held here with us, and not in memory of the kernel's.
  const std::uint64_t held = std::uint64_t{zero_copy_held_bytes_} + next_send_size();
  if (zero_copy_held_bytes_ != 0 && held > options_.send_high_water_bytes && !policy_.insists(wish))
    return false;
  if (!grant_zero_copy(policy_.ask(wish, next_send_size(), zero_copy_held_))) return false;
  zero_copy_send* send = table_.acquire_zero_copy(*this, &on_zero_copy_complete);
  if (send == nullptr) {
    ++loop_.tally().zero_copy.refused;
    return false;
  }
  begin_zero_copy(*send);
  return true;
}

bool stream::grant_zero_copy(zero_copy_policy::answer answer) noexcept {
  if (answer == zero_copy_policy::answer::copy) return false;
  zero_copy_counters& counted = loop_.tally().zero_copy;
  ++counters_.zero_copy_asked;
  ++counted.asked;
  if (answer == zero_copy_policy::answer::refused) {
    ++counted.refused;
    return false;
  }
  const buffer_pool& pool = loop_.pool();
  const std::uint32_t asked = loop_.options().zero_copy.free_slots_min;
  const std::uint32_t free_min = asked != 0 ? asked : pool.slot_count_max() / 8;
  if (pool.obtainable_count() >= free_min) return true;
  ++counted.low_pool;
  return false;
}

void stream::begin_zero_copy(zero_copy_send& send) noexcept {
  tail_room_ = 0;  // what is in the kernel's hands grows no more
  slot& first = queue_.pop();
  first.pool->hand_to_kernel(first);
  send.slots.push(first);
  send.descriptor = send_.descriptor;
  send.data = first.data;
  send.size = first.size;
  send.vector = nullptr;
  send.parts = nullptr;
  if (!queue_.empty()) gather(send, send.slots, send.parts);
  // Only the pool of ordinary slots is ever registered with the kernel.
  send.region =
      first.pool == &loop_.pool() ? first.region : io::zero_copy_send_operation::no_region;
  for (const slot* at = first.next; at != nullptr; at = at->next)
    if (at->pool != first.pool || at->region != first.region)
      send.region = io::zero_copy_send_operation::no_region;
  zero_copy_ = &send;
  ++zero_copy_held_;
  zero_copy_held_bytes_ += send.size;
  zero_copy_pool_bytes_ += pool_bytes(send.slots);
  zero_copy_moved_ = loop_.now();
  set_zero_copy_from();
  loop_.backend().submit(send);
  expect_send_progress();
}

void stream::on_zero_copy_complete(io::operation& completed, io::completion& what) noexcept {
  auto& send = static_cast<zero_copy_send&>(completed);
  stream& self = *send.of;
  if (!what.notification) self.take_zero_copy_result(send, what.result);
  if (what.more) return;
  if (what.notification && send.sent_bytes != 0) {
    self.policy_.reported(what.copied);
    zero_copy_counters& counted = self.loop_.tally().zero_copy;
    ++(what.copied ? counted.copied : counted.granted);
    if (!what.copied) ++self.counters_.zero_copy_granted;
  }
  self.end_zero_copy(send);
}

void stream::take_zero_copy_result(zero_copy_send& send, std::int32_t result) noexcept {
  send.told = true;
  send.sent_bytes = static_cast<std::uint32_t>(std::max(result, 0));
  queued_bytes_ -= send.sent_bytes;
  counters_.bytes_sent += send.sent_bytes;
  loop_.tally().bytes_sent += send.sent_bytes;
  if (send.parts != nullptr) table_.release_vector(*std::exchange(send.parts, nullptr));
  const bool failed = result < 0 && zero_copy_failed(result);
  const bool all = send.sent_bytes == send.size;
  awaited_.set(send_need::poll, !all);
  if (all) {
    zero_copy_ = nullptr;
    stop_send_time();
    set_zero_copy_from();
  }
  if (state_ == connection_state::closing) return close_when_idle();
  if (failed) return fail(result, io::failing_call::send_zero_copy);
  if (send.sent_bytes != 0) last_activity_ = loop_.now();
  // A short one goes on when its slots are back: part of one of them is still to be sent.
  if (all) go_on_sending();
}

/// Whether the connection has; a refusal is of the way and not of the bytes, which go as a copy.
bool stream::zero_copy_failed(std::int32_t result) noexcept {
  switch (io::reaction_to(io::failing_call::send_zero_copy, result)) {
    case io::reaction::retry: return false;
    case io::reaction::back_off:
      ++loop_.tally().zero_copy.refused;
      policy_.out_of_memory();
      table_.tell_of_locked_memory();
      return false;
    case io::reaction::fatal:
      ++loop_.tally().zero_copy.refused;
      policy_.impossible();
      return false;
    case io::reaction::close: break;
  }
  return true;
}

// The kernel has let go of the bytes.
void stream::end_zero_copy(zero_copy_send& send) noexcept {
  --zero_copy_held_;
  zero_copy_held_bytes_ -= send.size;
  zero_copy_pool_bytes_ -= pool_bytes(send.slots);
  zero_copy_moved_ = last_activity_ = loop_.now();
  const bool was_short = zero_copy_ == &send;
  if (was_short && state_ < connection_state::closing)
    take_back(send.slots, send.sent_bytes);
  else
    release_sent(send.slots);
  table_.release_zero_copy(send);
  if (was_short) {
    zero_copy_ = nullptr;
    stop_send_time();
    set_zero_copy_from();
  }
  if (state_ == connection_state::closing) {
    if (zero_copy_held_ == 0 && !close_.descriptor.valid()) return finish();
    return close_when_idle();
  }
  if (held_back() && !was_short) return look_at_hold_back();
  if (was_short) go_on_sending();
  if (!closes_when_let_go_) return;
  if (zero_copy_held_ == 0)
    begin_closing();
  else
    expect_acknowledgement();
}

}  // namespace myra
