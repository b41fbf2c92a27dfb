#include "myra/transport/async.hpp"

#include <cerrno>
#include <utility>

namespace myra {

// When a wait ends
//
// Bytes, room and deadlines come from the loop, between two completions: the coroutine goes on at
// once, and what it sends leaves with the next kernel entry. The end of a connection or a scope may
// come from any call that some other coroutine or handler makes: then the coroutine goes on from
// the loop, in the next turn.

// Receiving.

bool receive_awaiter::look() noexcept {
  if (from_->take_received(bytes_)) return true;
  if (!from_->ended()) return false;
  why_ = from_->end_reason();
  return true;
}

bool receive_awaiter::begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept {
  if (scope != nullptr) {
    if (scope->requested()) {
      why_ = kernel_error(-ECANCELED);
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

result<buffer> receive_awaiter::await_resume() noexcept {
  if (bytes_) return std::move(bytes_);
  return failure(why_);
}

void receive_awaiter::resume() noexcept {
  timer::disarm();
  suspension::unlink();
  std::exchange(waiting_, nullptr).resume();
}

void receive_awaiter::give_up(std::error_code why) noexcept {
  why_ = why;
  from_->wait_receive(nullptr);
}

void receive_awaiter::on_wake(stream_waiter& woken) noexcept {
  auto& self = static_cast<receive_awaiter&>(woken);
  const bool over = self.from_->state() >= connection_state::draining;
  if (!self.look()) self.why_ = self.from_->end_reason();
  if (!over) return self.resume();
  self.timer::disarm();
  self.suspension::unlink();
  self.from_->runs_on().defer(self);
}

void receive_awaiter::on_deadline(timer& fired) noexcept {
  auto& self = static_cast<receive_awaiter&>(fired);
  self.give_up(make_error_code(transport_errc::receive_timeout));
  self.resume();
}

void receive_awaiter::on_cancel(suspension& unwanted) noexcept {
  auto& self = static_cast<receive_awaiter&>(unwanted);
  self.give_up(kernel_error(-ECANCELED));
  self.timer::disarm();
  self.from_->runs_on().defer(self);
}

void receive_awaiter::on_turn(deferred& called) noexcept {
  static_cast<receive_awaiter&>(called).resume();
}

// Sending.

bool send_awaiter::try_again() noexcept {
  if (sent_.unsent_buffer != nullptr) {
    sent_ = sent_.to->send(std::move(*sent_.unsent_buffer));
  } else {
    sent_ = sent_.to->send_copy(sent_.unsent_bytes);
  }
  return sent_.status != send_status::back_pressured;
}

bool send_awaiter::begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept {
  if (scope != nullptr) {
    if (scope->requested()) {
      why_ = kernel_error(-ECANCELED);
      return false;
    }
  }
  // Since the refusal there may have been room, or the end, with nobody waiting to be told.
  if (try_again()) return false;
  if (scope != nullptr) scope->enter(*this);
  waiting_ = waiting;
  sent_.to->wait_send(this);
  return true;
}

result<void> send_awaiter::await_resume() const noexcept {
  if (why_) return failure(why_);
  if (sent_.status == send_status::accepted) return {};
  const std::error_code why = sent_.to->end_reason();
  // Not the peer's end but our own is what keeps a stream with a healthy peer from sending.
  if (why == transport_errc::end_of_stream) return failure(transport_errc::closed);
  return failure(why);
}

void send_awaiter::resume() noexcept {
  suspension::unlink();
  std::exchange(waiting_, nullptr).resume();
}

void send_awaiter::on_wake(stream_waiter& woken) noexcept {
  auto& self = static_cast<send_awaiter&>(woken);
  if (!self.try_again()) {
    self.sent_.to->wait_send(&self);
    return;
  }
  if (self.sent_.status == send_status::accepted) return self.resume();
  self.suspension::unlink();
  self.sent_.to->runs_on().defer(self);
}

void send_awaiter::on_cancel(suspension& unwanted) noexcept {
  auto& self = static_cast<send_awaiter&>(unwanted);
  self.why_ = kernel_error(-ECANCELED);
  self.sent_.to->wait_send(nullptr);
  self.sent_.to->runs_on().defer(self);
}

void send_awaiter::on_turn(deferred& called) noexcept {
  static_cast<send_awaiter&>(called).resume();
}

// Connecting.

bool connecting::begin(std::coroutine_handle<> waiting, cancellation* scope) {
  if (scope != nullptr) {
    if (scope->requested()) {
      outcome_ = failure(kernel_error(-ECANCELED));
      return false;
    }
    scope->enter(*this);
  }
  waiting_ = waiting;
  attempt_ = connect(on_, to_, options_, [this](result<connection> outcome) noexcept {
    outcome_ = std::move(outcome);
    unlink();
    waiting_.resume();
  });
  return true;
}

void connecting::on_cancel(suspension& unwanted) noexcept {
  // Calls back with cancelled, from a later turn.
  static_cast<connecting&>(unwanted).attempt_.cancel();
}

connecting connect(reactor& on, const endpoint& to, const connect_options& options) {
  return connecting(on, {to}, options);
}

connecting connect(reactor& on, std::span<const endpoint> to, const connect_options& options) {
  return connecting(on, {to.begin(), to.end()}, options);
}

connecting connect(reactor& on, std::string_view to, const connect_options& options) {
  const auto parsed = endpoint::parse(to);
  if (!parsed) return connecting(on, parsed.error().code);
  return connecting(on, {*parsed}, options);
}

}  // namespace myra
