// The coroutine form of datagram sockets.
//
//   task<> echo(datagram_socket socket) {
//     while (auto came = co_await socket.receive())
//       co_await socket.send(std::move(came->bytes), came->peer);
//   }
//
// Cancellation and readiness as for connections (async.hpp). Thread: the reactor's.
#pragma once

#include "myra/transport/awaiters.hpp"
#include "myra/transport/datagram_socket.hpp"
#include "myra/transport/mailbox.hpp"

namespace myra {

[[nodiscard]] bool look(mailbox& from, result<datagram>& outcome) noexcept;
[[nodiscard]] inline bool is_over(const mailbox& from) noexcept {
  return from.state() != datagram_state::open;
}
[[nodiscard]] inline std::error_code end_of(const mailbox&) noexcept {
  return make_error_code(transport_errc::closed);
}
[[nodiscard]] inline mailbox& sender_of(const sent_datagram& what) noexcept { return *what.from; }
[[nodiscard]] sent_datagram send_again(const sent_datagram& what) noexcept;
[[nodiscard]] inline std::error_code end_of_sending(const sent_datagram&) noexcept {
  return make_error_code(transport_errc::closed);
}

/// Awaits a datagram: result<datagram>, with the errors of `datagram_socket::receive`. At most one
/// coroutine receives on a socket at a time.
using datagram_awaiter = receive_awaiter_of<mailbox, datagram>;

[[nodiscard]] inline datagram_awaiter operator co_await(const receiving_datagram& what) noexcept {
  return datagram_awaiter(what);
}

/// Awaits that the datagram is taken: result<void>. When `send` accepted it this is ready at once;
/// when it was back-pressured this waits for room and sends the same then: bytes and endpoint must
/// stay where they are until it is done. Errors: transport_errc::closed, and cancelled: nothing was
/// taken then. At most one coroutine waits to send on a socket at a time.
using sent_datagram_awaiter = send_awaiter_of<sent_datagram>;

[[nodiscard]] inline sent_datagram_awaiter operator co_await(const sent_datagram& what) noexcept {
  return sent_datagram_awaiter(what);
}

}  // namespace myra
