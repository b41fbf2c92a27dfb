// The coroutine form of datagram sockets.
//
//   task<> echo(datagram_socket socket) {
//     while (auto came = co_await socket.receive())
//       co_await socket.send(std::move(came->bytes), came->peer);
//   }
//
// Cancellation and readiness as for connections (async.hpp). Thread: the reactor's.
#pragma once

#include <coroutine>

#include "myra/io/task.hpp"
#include "myra/reactor/async.hpp"
#include "myra/transport/datagram_socket.hpp"
#include "myra/transport/mailbox.hpp"

namespace myra {

/// Awaits a datagram: result<datagram>, with the errors of `datagram_socket::receive`. At most one
/// coroutine receives on a socket at a time.
class datagram_awaiter : stream_waiter, timer, suspension, deferred {
 public:
  explicit datagram_awaiter(const receiving_datagram& what) noexcept
      : stream_waiter{&datagram_awaiter::on_wake},
        timer(&datagram_awaiter::on_deadline),
        suspension(&datagram_awaiter::on_cancel),
        deferred(&datagram_awaiter::on_turn),
        from_(what.from),
        options_(what.options) {
    assert(from_ != nullptr && "receive on no datagram socket");
  }
  ~datagram_awaiter() { assert(!waiting_ && "coroutine destroyed while it receives"); }

  bool await_ready() noexcept { return look(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
    return begin(waiting, scope_of(waiting));
  }
  result<datagram> await_resume() noexcept { return std::move(outcome_); }

 private:
  [[nodiscard]] bool look() noexcept;
  bool begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept;
  void give_up(std::error_code why) noexcept;
  void resume() noexcept;
  static void on_wake(stream_waiter& woken) noexcept;
  static void on_deadline(timer& fired) noexcept;
  static void on_cancel(suspension& unwanted) noexcept;
  static void on_turn(deferred& called) noexcept;

  mailbox* from_;
  receive_options options_;
  std::coroutine_handle<> waiting_;
  result<datagram> outcome_;
};

[[nodiscard]] inline datagram_awaiter operator co_await(const receiving_datagram& what) noexcept {
  return datagram_awaiter(what);
}

/// Awaits that the datagram is taken: result<void>. When `send` accepted it this is ready at once;
/// when it was back-pressured this waits for room and sends the same then: bytes and endpoint must
/// stay where they are until it is done. Errors: transport_errc::closed, and cancelled: nothing was
/// taken then. At most one coroutine waits to send on a socket at a time.
class sent_datagram_awaiter : stream_waiter, suspension, deferred {
 public:
  explicit sent_datagram_awaiter(const sent_datagram& what) noexcept
      : stream_waiter{&sent_datagram_awaiter::on_wake},
        suspension(&sent_datagram_awaiter::on_cancel),
        deferred(&sent_datagram_awaiter::on_turn),
        sent_(what) {}
  ~sent_datagram_awaiter() { assert(!waiting_ && "coroutine destroyed while it waits to send"); }

  bool await_ready() const noexcept { return sent_.status != send_status::back_pressured; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
    return begin(waiting, scope_of(waiting));
  }
  result<void> await_resume() const noexcept;

 private:
  [[nodiscard]] bool try_again() noexcept;
  bool begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept;
  void resume() noexcept;
  static void on_wake(stream_waiter& woken) noexcept;
  static void on_cancel(suspension& unwanted) noexcept;
  static void on_turn(deferred& called) noexcept;

  sent_datagram sent_;
  std::coroutine_handle<> waiting_;
  std::error_code why_;
};

[[nodiscard]] inline sent_datagram_awaiter operator co_await(const sent_datagram& what) noexcept {
  return sent_datagram_awaiter(what);
}

}  // namespace myra
