// A client without callbacks and coroutines: each call returns when it is done.
//
//   auto peer = blocking_connection::connect("localhost:6379");
//   if (!peer) return fail(peer.error());
//   peer->send(as_bytes("PING\r\n"));
//   auto count = peer->receive(answer);   // 0: the end of the stream
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "myra/core/bytes.hpp"
#include "myra/core/clock.hpp"
#include "myra/core/error.hpp"
#include "myra/core/result.hpp"
#include "myra/io/capabilities.hpp"
#include "myra/transport/connection.hpp"
#include "myra/transport/endpoint.hpp"

namespace myra {

namespace io {
class backend_source;
}

struct blocking_options {
  /// For connecting, from now; zero: none.
  duration deadline = std::chrono::seconds(10);
  io::backend_kind backend = io::backend_kind::automatic;
  /// The idle times are off: it is the caller who decides how long to wait for a peer.
  connection_options connection = {.idle_timeout = duration::zero(),
                                   .first_byte_timeout = duration::zero()};
  /// As reactor_options::source: the calls then wait for what happens in a simulated world.
  io::backend_source* source = nullptr;
};

/// Owns a connection and a small reactor, which runs only inside the calls: between them nothing is
/// sent or received beyond what the kernel itself holds. Movable; a moved-from one may only be
/// assigned to and destroyed.
///
/// Thread: any, but only one: all calls and the destructor belong to the thread that connected, for
/// whom the ring was made (IORING_SETUP_SINGLE_ISSUER, io_uring_setup(2)). Debug builds assert it.
/// The calls block that thread, so it must not be a reactor's.
///
/// Deadlines are from now; zero: none. What misses its deadline is condition::timed_out.
class blocking_connection {
 public:
  /// `address` as endpoint::parse reads it. The report of an error names it. Errors: invalid,
  /// refused, unreachable, timed_out, and those of opening a reactor.
  [[nodiscard]] static opened<blocking_connection> connect(std::string_view address,
                                                           const blocking_options& options = {});
  blocking_connection(blocking_connection&&) noexcept;
  blocking_connection& operator=(blocking_connection&&) noexcept;
  /// As close().
  ~blocking_connection();

  /// Returns when the kernel has all of `bytes`. After an error it is not known how many have gone,
  /// and close() is all that is left to do.
  result<void> send(byte_view bytes, duration deadline = duration::zero());

  /// Waits for bytes and copies at most into.size() of them, which is not zero; what did not fit is
  /// given by the next call. 0: the peer has sent all that it will send. After a missed deadline
  /// nothing is lost and receive may be called again.
  result<std::size_t> receive(mutable_byte_view into, duration deadline = duration::zero());

  /// Fills `into`. Errors: end_of_stream when the peer sends less. After an error the first bytes
  /// of `into` may have been written, and are received by no later call.
  result<void> receive_exact(mutable_byte_view into, duration deadline = duration::zero());

  /// Sends our end (FIN); receiving goes on.
  result<void> half_close();

  /// Closes both ways; waits until the peer has closed as well, connection_options::linger_timeout
  /// at most. Harmless when closed already; other calls answer transport_errc::closed from now on.
  void close() noexcept;

  [[nodiscard]] endpoint peer() const noexcept;
  [[nodiscard]] endpoint local() const noexcept;
  /// The one that was chosen.
  [[nodiscard]] io::backend_kind backend() const noexcept;

 private:
  struct parts;
  explicit blocking_connection(std::unique_ptr<parts> owned) noexcept;
  [[nodiscard]] parts& checked() const noexcept;
  std::unique_ptr<parts> parts_;
};

}  // namespace myra
