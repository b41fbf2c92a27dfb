#include <cerrno>

#include "myra/io/error_table.hpp"
#include "myra/transport/mailbox.hpp"
#include "myra/transport/mailbox_call.hpp"
#include "myra/transport/rearm.hpp"

namespace myra {

bool mailbox::wants_bytes() const noexcept {
  return state_ == datagram_state::open && receiving_ && !paused_ && !input_ended_ &&
         received_.count() < options_.receive_queue_max;
}

void mailbox::arm_receive() noexcept {
  if (!receive_.idle() || starved_.linked() || !wants_bytes()) return;
  const bool in_line = arms_for_ == arm_reason::no_buffer;  // as for streams
  receive_.multishot = !in_line && loop_.options().features.multishot_receive;
  receive_.poll_first = !in_line;
  loop_.tally().receive_arms.add(arms_for_);
  loop_.backend().submit(receive_);
}

void mailbox::on_receive_complete(io::operation& completed, io::completion& what) noexcept {
  mailbox& self = static_cast<own<io::receive_datagram_operation>&>(completed).self;
  if (what.from != nullptr)
    self.received(what);
  else
    self.received_none(what.result);
  if (what.more) return;
  self.arms_for_ = reason_to_rearm(self.receive_, what.result);
  if (self.state_ == datagram_state::closing) return self.close_when_idle();
  self.arm_receive();
  if (self.input_ended_) self.attend_soon();
}

void mailbox::on_timed_receive_complete(io::operation& completed, io::completion& what) noexcept {
  loop& runs = static_cast<own<io::receive_datagram_operation>&>(completed).self.loop_;
  const bool is_message = what.from != nullptr;
  on_receive_complete(completed, what);
  if (is_message) runs.time_message();
}

void mailbox::received(io::completion& what) noexcept {
  const io::arrival& from = *what.from;
  const std::uint64_t count =
      segments({static_cast<const std::byte*>(nullptr), from.size}, from.segment_size).count();
  counters_.received += count;
  counters_.bytes_received += static_cast<std::uint32_t>(what.result);
  if (from.size > static_cast<std::uint32_t>(what.result)) ++counters_.truncated;
  loop_.tally().messages_received += count;
  loop_.tally().bytes_received += static_cast<std::uint32_t>(what.result);
  if (state_ != datagram_state::open) return;
  if (!what.bytes) {  // an empty one may come without
    what.bytes = loop_.pool().acquire();
    if (!what.bytes) {
      ++counters_.dropped;
      return;
    }
    what.bytes.resize(0);
  }
  if (handler_ != nullptr && !paused_ && received_.empty())
    lend_to_handler(what.bytes, from);
  else
    keep(what);
}

void mailbox::lend_to_handler(buffer& bytes, const io::arrival& from) noexcept {
  lent_datagram lent(bytes, from);
  ++loop_.tally().buffers.lent;
  call_handler([&](datagram_socket& on) { handler_->on_datagram(on, lent); });
  --loop_.tally().buffers.lent;
}

void mailbox::keep(io::completion& what) noexcept {
  if (received_.full()) {
    ++counters_.dropped;
    return;
  }
  kept_datagram& kept = received_.push();
  kept.from.assign(what.from->peer, what.from->peer_size);
  kept.size = what.from->size;
  kept.segment_size = what.from->segment_size;
  kept.held = std::move(what.bytes).into_slot();
  if (received_.count() >= options_.receive_queue_max) loop_.backend().cancel(receive_);
  if (receive_waiter_ == nullptr) return;
  stream_waiter* waiter = std::exchange(receive_waiter_, nullptr);
  waiter->wake(*waiter);
}

void mailbox::received_none(std::int32_t outcome) noexcept {
  switch (io::reaction_to(io::failing_call::receive_datagram, outcome)) {
    case io::reaction::retry: return;  // whoever cancelled knows
    case io::reaction::back_off:
      if (wants_bytes()) loop_.await_buffer(starved_);
      return;
    case io::reaction::close:
    case io::reaction::fatal: report(-outcome, {});
  }
}

void mailbox::deliver_queued() noexcept {
  while (handler_ != nullptr && !paused_ && !received_.empty() && state_ == datagram_state::open) {
    const kept_datagram kept = received_.pop();
    buffer bytes = buffer::from_slot(*kept.held);
    lend_to_handler(bytes, {.peer = kept.from.address(),
                            .peer_size = kept.from.size(),
                            .size = kept.size,
                            .segment_size = kept.segment_size});
  }
}

bool mailbox::take_received(result<datagram>& out) noexcept {
  if (received_.empty()) {
    if (!pending_error_) return false;
    out = failure(std::exchange(pending_error_, {}));
    return true;
  }
  const kept_datagram kept = received_.pop();
  out = datagram{buffer::from_slot(*kept.held), kept.from.to_endpoint(), kept.segment_size,
                 kept.size};
  if (received_.count() <= options_.receive_queue_max / 2 && receive_.idle() && wants_bytes())
    attend_soon();
  return true;
}

void mailbox::wait_receive(stream_waiter* waiter) noexcept {
  assert((waiter == nullptr || receive_waiter_ == nullptr) &&
         "two coroutines receive on one datagram socket");
  receive_waiter_ = waiter;
  receiving_ = true;
  if (waiter != nullptr) arm_receive();
}

void mailbox::pause_receive() noexcept {
  paused_ = true;
  loop_.backend().cancel(receive_);
}

void mailbox::resume_receive() noexcept {
  if (!paused_) return;
  paused_ = false;
  attend_soon();
}

void mailbox::end_input() noexcept {
  if (state_ != datagram_state::open || input_ended_) return;
  input_ended_ = true;
  loop_.backend().cancel(receive_);
  if (!wants_room_) starved_.unlink();  // a sender waits in that place as well
  attend_soon();
}

/// Tells that nothing will come any more, when that is so.
void mailbox::end_of_input() noexcept {
  if (!input_ended_ || !receive_.idle() || !received_.empty()) return;
  if (handler_ != nullptr) return close();
  if (receive_waiter_ == nullptr) return;
  stream_waiter* waiter = std::exchange(receive_waiter_, nullptr);
  waiter->wake(*waiter);
}

void mailbox::drop_received() noexcept {
  while (!received_.empty()) loop_.pool().release(*received_.pop().held);
}

}  // namespace myra
