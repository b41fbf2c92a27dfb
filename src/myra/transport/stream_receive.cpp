#include "myra/io/error_table.hpp"
#include "myra/transport/rearm.hpp"
#include "myra/transport/stream.hpp"
#include "myra/transport/stream_call.hpp"
#include "myra/transport/stream_table.hpp"

namespace myra {

bool stream::wants_bytes() const noexcept {
  if (peer_ended_ || state_ >= connection_state::closing) return false;
  if (state_ == connection_state::draining) return fin_sent_;  // to see the peer's end
  return receiving_ && !paused() && !input_ended() && !received_is_full();
}

bool stream::arms_multishot() const noexcept {
  if (!loop_.options().features.multishot_receive) return false;
  if (options_.receive == receive_mode::automatic)
    return receive_policy::multishot(table_.open_count());
  return options_.receive == receive_mode::multishot;
}

void stream::arm_receive() noexcept {
  if (!receive_.idle() || starved_.linked() || !wants_bytes()) return;
  receive_.large_buffers = traffic_.bulk();
  if (more_to_read_ && loop_.buffers_are_short() && shares_buffers()) return wait_in_line();
  // Who had to wait for a buffer takes one, at once, before those who are armed take all of them.
  const bool in_line = arms_for_ == arm_reason::no_buffer && shares_buffers();
  receive_.multishot = !in_line && arms_multishot();
  receive_.turn_bytes_max = options_.receive_turn_bytes;
  receive_.poll_first = !in_line && !more_to_read_;
  loop_.tally().receive_arms.add(arms_for_);
  counters_.receive_arms.add(arms_for_);
  loop_.backend().submit(receive_);
}

/// Whether its next receive takes what others wait for. With an area it takes windows, and a
/// one-shot receive could not read what a card put there.
bool stream::shares_buffers() const noexcept {
  return !receive_.large_buffers && loop_.backend().receive_area_pool() == nullptr;
}

/// Others wait for a buffer, and this one would take it before them.
void stream::wait_in_line() noexcept {
  more_to_read_ = false;
  arms_for_ = arm_reason::no_buffer;
  loop_.await_buffer(starved_);
}

[[gnu::always_inline]] inline void stream::lend_to_handler(buffer& bytes) noexcept {
  message lent(bytes);
  ++loop_.tally().buffers.lent;
  call_handler([&](connection& peer) { handler_->on_receive(peer, lent); });
  --loop_.tally().buffers.lent;
}

[[gnu::always_inline]] inline void stream::received(buffer& bytes) noexcept {
  last_activity_ = loop_.now();
  counters_.bytes_received += bytes.size();
  ++counters_.messages_received;
  loop_.tally().bytes_received += bytes.size();
  ++loop_.tally().messages_received;
  if (input_.any() || handler_ == nullptr || !received_.empty()) [[unlikely]]
    return keep_received(bytes);
  lend_to_handler(bytes);
}

void stream::on_receive_complete(io::operation& completed, io::completion& what) noexcept {
  stream& self = static_cast<own<io::receive_operation>&>(completed).self;
  if (what.more && !what.more_to_read && what.bytes && !self.traffic_.bulk()) [[likely]]
    return self.received(what.bytes);
  self.take_receive_result(what);
}

void stream::take_receive_result(io::completion& what) noexcept {
  if (!what.more) more_to_read_ = what.more_to_read;
  if (what.more_to_read || traffic_.bulk()) note_traffic(what.result);
  if (what.bytes)
    received(what.bytes);
  else
    received_none(what.result);
  if (what.more) return;
  arms_for_ = reason_to_rearm(receive_, what.result);
  if (state_ == connection_state::closing)
    close_when_idle();
  else
    arm_receive();
}

void stream::on_timed_receive_complete(io::operation& completed, io::completion& what) noexcept {
  loop& runs = static_cast<own<io::receive_operation>&>(completed).self.loop_;
  const bool is_message = static_cast<bool>(what.bytes);
  on_receive_complete(completed, what);
  if (is_message) runs.time_message();
}

/// The next receive, which is near, takes what fits better.
void stream::note_traffic(std::int32_t received_size) noexcept {
  if (loop_.large_pool() == nullptr || received_size <= 0) return;
  if (!traffic_.note(received_size, loop_.pool().slot_size_bytes())) return;
  if (state_ < connection_state::draining) loop_.backend().cancel(receive_);
}

void stream::keep_received(buffer& bytes) noexcept {
  if (ended()) return;  // after close() or a drain what still comes is dropped
  received_bytes_ += bytes.size();
  ++received_count_;
  received_.push(*std::move(bytes).into_slot());
  if (received_is_full()) loop_.backend().cancel(receive_);
  if (receive_waiter_ != nullptr) {
    auto* waiter = std::exchange(receive_waiter_, nullptr);
    waiter->wake(*waiter);
  }
}

void stream::received_none(std::int32_t outcome) noexcept {
  if (outcome < 0) return receive_failed(outcome);
  peer_ended_ = true;
  if (state_ == connection_state::draining && fin_sent_) return close_in_order();
  if (state_ >= connection_state::draining || input_ended()) return;
  input_.add(input_state::ended);
  announce_end();
}

void stream::receive_failed(std::int32_t outcome) noexcept {
  const io::reaction next = io::reaction_to(io::failing_call::receive, outcome);
  if (next == io::reaction::retry) return;  // paused, or closing; whoever cancelled knows
  if (next == io::reaction::back_off) {
    // An ordinary buffer is worth waiting for; in place of a large one an ordinary will do, unless
    // this turn has merely used up what lay ready. That there is none again and again counts as
    // receives that a large one was not needed for.
    if (receive_.large_buffers) {
      if (traffic_.note(0, loop_.pool().slot_size_bytes())) return;
      if (loop_.large_pool()->obtainable_count() == 0) traffic_.make_do();
      return;
    }
    if (wants_bytes()) loop_.await_buffer(starved_);
    return;
  }
  peer_ended_ = true;
  fail(outcome, io::failing_call::receive);
}

void stream::announce_end() noexcept {
  if (end_announced_ || !received_.empty() || (handler_ != nullptr && paused())) return;
  if (state_ == connection_state::open) enter(connection_state::receiving_closed);
  if (receive_waiter_ != nullptr) {
    auto* waiter = std::exchange(receive_waiter_, nullptr);
    waiter->wake(*waiter);
  }
  if (handler_ == nullptr) return;
  end_announced_ = true;
  // Both ends are closed once ours went out as well.
  if (fin_sent_ && state_ == connection_state::sending_closed) both_ended();
  call_handler([&](connection& peer) { handler_->on_end(peer); });
}

void stream::deliver_queued() noexcept {
  while (handler_ != nullptr && !paused() && !received_.empty() &&
         state_ < connection_state::draining) {
    buffer next;
    if (!take_received(next)) break;
    lend_to_handler(next);
  }
  if (input_ended() && state_ < connection_state::draining) announce_end();
}

bool stream::take_received(buffer& out) noexcept {
  if (received_.empty()) return false;
  out = buffer::from_slot(received_.pop());
  received_bytes_ -= out.size();
  --received_count_;
  if (received_bytes_ <= options_.receive_low_water_bytes &&
      received_count_ <= options_.receive_high_water_buffers / 4 && receive_.idle() &&
      wants_bytes())
    attend_soon();
  return true;
}

void stream::drop_received() noexcept {
  drop_queue(received_);
  received_bytes_ = received_count_ = 0;
}

void stream::wait_receive(stream_waiter* waiter) noexcept {
  assert((waiter == nullptr || receive_waiter_ == nullptr) &&
         "two coroutines receive on one connection");
  receive_waiter_ = waiter;
  receiving_ = true;
  if (waiter != nullptr) arm_receive();
}

void stream::pause_receive() noexcept {
  if (paused() || state_ >= connection_state::draining) return;
  input_.add(input_state::paused);
  loop_.backend().cancel(receive_);
}

void stream::resume_receive() noexcept {
  if (!paused()) return;
  input_.remove(input_state::paused);
  last_activity_ = loop_.now();
  attend_soon();
}

void stream::end_input() noexcept {
  if (input_ended() || state_ >= connection_state::draining) return;
  input_.add(input_state::ended);
  loop_.backend().cancel(receive_);
  attend_soon();
}

void stream::drain() noexcept {
  if (input_ended() || state_ >= connection_state::draining) return;
  if (handler_ != nullptr) return call_handler([&](connection& peer) { handler_->on_drain(peer); });
  end_input();
  if (!held_) close();
}

}  // namespace myra
