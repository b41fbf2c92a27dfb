// The coroutine form of the transport.
//
//   task<> echo(connection peer) {
//     while (auto bytes = co_await peer.receive())
//       if (!co_await peer.send(std::move(*bytes))) break;
//   }
//
// Everything that waits ends early, with condition::cancelled, when the scope of its coroutine is
// cancelled (myra/io/cancellation.hpp). What is ready is given without suspending. Thread: the
// reactor's.
#pragma once

#include <coroutine>
#include <span>
#include <string_view>
#include <vector>

#include "myra/io/task.hpp"
#include "myra/reactor/async.hpp"
#include "myra/reactor/chain_async.hpp"
#include "myra/transport/awaiters.hpp"
#include "myra/transport/connection.hpp"
#include "myra/transport/connector.hpp"
#include "myra/transport/listener.hpp"
#include "myra/transport/stream.hpp"

namespace myra {

[[nodiscard]] bool look(stream& from, result<buffer>& outcome) noexcept;
[[nodiscard]] inline bool is_over(const stream& from) noexcept {
  return from.state() >= connection_state::draining;
}
[[nodiscard]] inline std::error_code end_of(const stream& from) noexcept {
  return from.end_reason();
}
[[nodiscard]] inline stream& sender_of(const sent& what) noexcept { return *what.to; }
[[nodiscard]] sent send_again(const sent& what) noexcept;
[[nodiscard]] std::error_code end_of_sending(const sent& what) noexcept;

/// Awaits bytes: result<buffer>. Errors: end_of_stream when the peer has sent all that it will
/// send, receive_timeout when the deadline passed, and cancelled: after these two nothing is lost
/// and receive may be called again; any other is the connection's end. At most one coroutine
/// receives on a connection at a time.
using receive_awaiter = receive_awaiter_of<stream, buffer>;

[[nodiscard]] inline receive_awaiter operator co_await(const receiving& what) noexcept {
  return receive_awaiter(what);
}

/// Awaits that the bytes are taken: result<void>. When `send` accepted them this is ready at once;
/// when it was back-pressured this waits for room and sends the same bytes then, which must stay
/// where they are until it is done. Errors: the connection's, transport_errc::closed after close()
/// or half_close(), and cancelled: nothing was taken then. At most one coroutine waits to send on a
/// connection at a time.
using send_awaiter = send_awaiter_of<sent>;

[[nodiscard]] inline send_awaiter operator co_await(const sent& what) noexcept {
  return send_awaiter(what);
}

/// What the `connect` functions below say: to be awaited, once. Gives result<connection>; errors as
/// for the callback form.
class connecting : suspension {
 public:
  connecting(reactor& on, std::vector<endpoint> to, const connect_options& options)
      : suspension(&connecting::on_cancel), on_(on), to_(std::move(to)), options_(options) {}
  /// Something was wrong before there was anything to connect to.
  connecting(reactor& on, std::error_code why)
      : suspension(&connecting::on_cancel), on_(on), outcome_(failure(why)) {}
  ~connecting() { assert(attempt_.done() && "coroutine destroyed while it connects"); }

  bool await_ready() const noexcept { return outcome_.error() != std::error_code(); }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) {
    return begin(waiting, scope_of(waiting));
  }
  result<connection> await_resume() noexcept { return std::move(outcome_); }

 private:
  bool begin(std::coroutine_handle<> waiting, cancellation* scope);
  static void on_cancel(suspension& unwanted) noexcept;

  reactor& on_;
  std::vector<endpoint> to_;
  connect_options options_;
  connect_attempt attempt_;
  std::coroutine_handle<> waiting_;
  result<connection> outcome_ = failure(std::error_code());
};

/// `result<connection> peer = co_await connect(reactor, ...)`. The text is read by endpoint::parse:
/// a text that it does not know gives its error, condition::invalid.
[[nodiscard]] connecting connect(reactor& on, const endpoint& to,
                                 const connect_options& options = {});
[[nodiscard]] connecting connect(reactor& on, std::span<const endpoint> to,
                                 const connect_options& options = {});
[[nodiscard]] connecting connect(reactor& on, std::string_view to,
                                 const connect_options& options = {});

}  // namespace myra
