#include "myra/transport/datagram_async.hpp"

#include <cerrno>
#include <utility>

namespace myra {

// Receiving. When a wait ends is as in async.cpp.

bool datagram_awaiter::look() noexcept {
  if (from_->take_received(outcome_)) return true;
  if (!from_->ended()) return false;
  outcome_ = failure(transport_errc::closed);
  return true;
}

bool datagram_awaiter::begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept {
  if (scope != nullptr) {
    if (scope->requested()) {
      outcome_ = failure(kernel_error(-ECANCELED));
      return false;
    }
    scope->enter(*this);
  }
  waiting_ = waiting;
  from_->wait_receive(this);
  if (options_.deadline > duration::zero()) {
    loop& on = from_->runs_on();
    on.timers().arm(*this, after(on.backend().now(), options_.deadline));
  }
  return true;
}

void datagram_awaiter::resume() noexcept {
  timer::disarm();
  suspension::unlink();
  std::exchange(waiting_, nullptr).resume();
}

void datagram_awaiter::give_up(std::error_code why) noexcept {
  outcome_ = failure(why);
  from_->wait_receive(nullptr);
}

void datagram_awaiter::on_wake(stream_waiter& woken) noexcept {
  auto& self = static_cast<datagram_awaiter&>(woken);
  const bool over = self.from_->state() != datagram_state::open;
  if (!self.look()) self.outcome_ = failure(transport_errc::closed);
  if (!over) return self.resume();
  self.timer::disarm();
  self.suspension::unlink();
  self.from_->runs_on().defer(self);
}

void datagram_awaiter::on_deadline(timer& fired) noexcept {
  auto& self = static_cast<datagram_awaiter&>(fired);
  self.give_up(make_error_code(transport_errc::receive_timeout));
  self.resume();
}

void datagram_awaiter::on_cancel(suspension& unwanted) noexcept {
  auto& self = static_cast<datagram_awaiter&>(unwanted);
  self.give_up(kernel_error(-ECANCELED));
  self.timer::disarm();
  self.from_->runs_on().defer(self);
}

void datagram_awaiter::on_turn(deferred& called) noexcept {
  static_cast<datagram_awaiter&>(called).resume();
}

// Sending.

bool sent_datagram_awaiter::try_again() noexcept {
  mailbox& by = *sent_.from;
  if (sent_.unsent_buffer != nullptr)
    sent_ = by.send(std::move(*sent_.unsent_buffer), sent_.to, sent_.segment_size);
  else
    sent_ = by.send_copy(sent_.unsent_bytes, sent_.to, sent_.segment_size);
  return sent_.status != send_status::back_pressured;
}

bool sent_datagram_awaiter::begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept {
  if (scope != nullptr && scope->requested()) {
    why_ = kernel_error(-ECANCELED);
    return false;
  }
  // Since the refusal there may have been room, or the end, with nobody waiting to be told.
  if (try_again()) return false;
  if (scope != nullptr) scope->enter(*this);
  waiting_ = waiting;
  sent_.from->wait_send(this);
  return true;
}

result<void> sent_datagram_awaiter::await_resume() const noexcept {
  if (why_) return failure(why_);
  if (sent_.status == send_status::accepted) return {};
  return failure(transport_errc::closed);
}

void sent_datagram_awaiter::resume() noexcept {
  suspension::unlink();
  std::exchange(waiting_, nullptr).resume();
}

void sent_datagram_awaiter::on_wake(stream_waiter& woken) noexcept {
  auto& self = static_cast<sent_datagram_awaiter&>(woken);
  if (!self.try_again()) {
    self.sent_.from->wait_send(&self);
    return;
  }
  if (self.sent_.status == send_status::accepted) return self.resume();
  self.suspension::unlink();
  self.sent_.from->runs_on().defer(self);
}

void sent_datagram_awaiter::on_cancel(suspension& unwanted) noexcept {
  auto& self = static_cast<sent_datagram_awaiter&>(unwanted);
  self.why_ = kernel_error(-ECANCELED);
  self.sent_.from->wait_send(nullptr);
  self.sent_.from->runs_on().defer(self);
}

void sent_datagram_awaiter::on_turn(deferred& called) noexcept {
  static_cast<sent_datagram_awaiter&>(called).resume();
}

}  // namespace myra
