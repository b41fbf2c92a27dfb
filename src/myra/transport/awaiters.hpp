// What coroutines that wait on a connection and on a datagram socket have in common.
//
// When a wait ends: bytes, room and deadlines come from the loop, between two completions, and the
// coroutine goes on at once, so that what it sends leaves with the next kernel entry. The end of a
// socket or of a scope may come from any call that some other coroutine or handler makes: then the
// coroutine goes on from the loop, in the next turn.
#pragma once

#include <cerrno>
#include <coroutine>
#include <utility>

#include "myra/io/task.hpp"
#include "myra/reactor/async.hpp"
#include "myra/transport/connection.hpp"
#include "myra/transport/stream.hpp"

namespace myra {

/// Awaits what `From` receives: a `stream` bytes, a `mailbox` datagrams. Beside it stand, for both:
/// `look(from, outcome)`: moves out what is there, or why nothing will come; false: not yet.
/// `is_over(from)`: its end has begun. `end_of(from)`: why nothing comes any more.
template <class From, class What>
class receive_awaiter_of : stream_waiter, timer, suspension, deferred {
 public:
  template <class Receiving>
  explicit receive_awaiter_of(const Receiving& what) noexcept
      : stream_waiter{&receive_awaiter_of::on_wake},
        timer(&receive_awaiter_of::on_deadline),
        suspension(&receive_awaiter_of::on_cancel),
        deferred(&receive_awaiter_of::on_turn),
        from_(what.from),
        deadline_(what.options.deadline) {
    assert(from_ != nullptr && "receive on no socket");
  }
  ~receive_awaiter_of() { assert(!waiting_ && "coroutine destroyed while it receives"); }

  bool await_ready() noexcept { return look(*from_, outcome_); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
    return begin(waiting, scope_of(waiting));
  }
  result<What> await_resume() noexcept { return std::move(outcome_); }

 private:
  bool begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept {
    if (scope != nullptr) {
      if (scope->requested()) {
        outcome_ = failure(kernel_error(-ECANCELED));
        return false;
      }
      scope->enter(*this);
    }
    waiting_ = waiting;
    from_->wait_receive(this);
    if (deadline_ > duration::zero()) {
      loop& on = from_->runs_on();
      on.timers().arm(*this, after(on.backend().now(), deadline_));
    }
    return true;
  }
  void give_up(std::error_code why) noexcept {
    outcome_ = failure(why);
    from_->wait_receive(nullptr);
  }
  void resume() noexcept {
    timer::disarm();
    suspension::unlink();
    std::exchange(waiting_, nullptr).resume();
  }

  static void on_wake(stream_waiter& woken) noexcept {
    auto& self = static_cast<receive_awaiter_of&>(woken);
    const bool over = is_over(*self.from_);
    if (!look(*self.from_, self.outcome_)) self.outcome_ = failure(end_of(*self.from_));
    if (!over) return self.resume();
    self.timer::disarm();
    self.suspension::unlink();
    self.from_->runs_on().defer(self);
  }
  static void on_deadline(timer& fired) noexcept {
    auto& self = static_cast<receive_awaiter_of&>(fired);
    self.give_up(make_error_code(transport_errc::receive_timeout));
    self.resume();
  }
  static void on_cancel(suspension& unwanted) noexcept {
    auto& self = static_cast<receive_awaiter_of&>(unwanted);
    self.give_up(kernel_error(-ECANCELED));
    self.timer::disarm();
    self.from_->runs_on().defer(self);
  }
  static void on_turn(deferred& called) noexcept {
    static_cast<receive_awaiter_of&>(called).resume();
  }

  From* from_;
  duration deadline_;
  std::coroutine_handle<> waiting_;
  result<What> outcome_;
};

/// Awaits that what `Sent` says was refused for want of room is taken. Beside it stand:
/// `sender_of(sent)`: the stream or mailbox; `send_again(sent)`: the same once more;
/// `end_of_sending(sent)`: why it will never be taken.
template <class Sent>
class send_awaiter_of : stream_waiter, suspension, deferred {
 public:
  explicit send_awaiter_of(const Sent& what) noexcept
      : stream_waiter{&send_awaiter_of::on_wake},
        suspension(&send_awaiter_of::on_cancel),
        deferred(&send_awaiter_of::on_turn),
        sent_(what) {}
  ~send_awaiter_of() { assert(!waiting_ && "coroutine destroyed while it waits to send"); }

  bool await_ready() const noexcept { return sent_.status != send_status::back_pressured; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
    return begin(waiting, scope_of(waiting));
  }
  result<void> await_resume() const noexcept {
    if (why_) return failure(why_);
    if (sent_.status == send_status::accepted) return {};
    return failure(end_of_sending(sent_));
  }

 private:
  [[nodiscard]] bool try_again() noexcept {
    sent_ = send_again(sent_);
    return sent_.status != send_status::back_pressured;
  }
  bool begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept {
    if (scope != nullptr && scope->requested()) {
      why_ = kernel_error(-ECANCELED);
      return false;
    }
    // Since the refusal there may have been room, or the end, with nobody waiting to be told.
    if (try_again()) return false;
    if (scope != nullptr) scope->enter(*this);
    waiting_ = waiting;
    sender_of(sent_).wait_send(this);
    return true;
  }
  void resume() noexcept {
    suspension::unlink();
    std::exchange(waiting_, nullptr).resume();
  }

  static void on_wake(stream_waiter& woken) noexcept {
    auto& self = static_cast<send_awaiter_of&>(woken);
    if (!self.try_again()) return sender_of(self.sent_).wait_send(&self);
    if (self.sent_.status == send_status::accepted) return self.resume();
    self.suspension::unlink();
    sender_of(self.sent_).runs_on().defer(self);
  }
  static void on_cancel(suspension& unwanted) noexcept {
    auto& self = static_cast<send_awaiter_of&>(unwanted);
    self.why_ = kernel_error(-ECANCELED);
    sender_of(self.sent_).wait_send(nullptr);
    sender_of(self.sent_).runs_on().defer(self);
  }
  static void on_turn(deferred& called) noexcept { static_cast<send_awaiter_of&>(called).resume(); }

  Sent sent_;
  std::coroutine_handle<> waiting_;
  std::error_code why_;
};

}  // namespace myra
