// A listening socket that accepts until it is closed, whatever goes wrong in between.
#pragma once

#include <concepts>
#include <functional>
#include <memory>

#include "myra/io/task.fwd.hpp"
#include "myra/transport/connection.hpp"

namespace myra {

struct listener_options {
  /// As `endpoint::parse` reads it.
  std::string address = {};
  /// Zero: the kernel's limit, net.core.somaxconn.
  int backlog = 0;
  bool reuse_address =
      true;  ///< SO_REUSEADDR, so that a restart can bind while old connections linger.
  bool reuse_port = false;  ///< SO_REUSEPORT: several listeners share the port. Only when asked.
  bool ipv6_only = false;   ///< For IPv6 addresses; false serves IPv4 as well.
  /// A listening socket made by somebody else (socket activation, a parent process); -1: make one.
  /// `address` is ignored then. The listener owns it from now on.
  int inherited_descriptor = -1;
  /// Unix sockets: a stale socket file that nobody listens on is replaced, and removed at the end.
  bool unlink_stale_socket = true;
  /// Stop accepting at this many open connections, go on below; zero: no limit. The others wait in
  /// the kernel's queue, or accepted and unserved, with a descriptor each. Those that are handed
  /// over (take, take_in, shared_listener.hpp) are served beyond it as well.
  std::uint32_t connections_max = 16 * 1024;
  connection_options connection = {};
};

struct listener_counters {
  std::uint64_t accepted = 0;
  std::uint64_t transient_errors =
      0;  ///< Accepts that failed for a reason that passes (accept(2), "Error handling").
  std::uint64_t back_offs = 0;  ///< Pauses for want of descriptors or memory.
};

/// Makes a handler for each connection. A null handler refuses the connection: it is closed.
using handler_factory = std::move_only_function<std::unique_ptr<connection_handler>()>;
enum class diversion {
  each,
  each_as_ordinary,  ///< And none as a direct descriptor.
  at_close,
};
/// Takes an accepted socket over and returns none, or returns what the listener is to keep. It may
/// be a direct descriptor, which belongs to this reactor's backend (myra/io/descriptor.hpp).
using socket_taker = std::move_only_function<io::descriptor(io::descriptor socket) noexcept>;
/// A coroutine for each connection.
using connection_coroutine = std::move_only_function<task<void>(connection)>;

/// Movable handle, all on the reactor's thread. Its destruction stops accepting; connections live
/// on.
class listener {
 public:
  /// Errors: invalid, permission_denied, system errors of bind(2) such as address_in_use; the
  /// report names the address.
  [[nodiscard]] static opened<listener> open(reactor& on, const listener_options& options);
  /// A listener without a socket, whose address is that of `accepts_elsewhere`: it has the
  /// connections that `take` brings and no others.
  [[nodiscard]] static opened<listener> open_fed(reactor& on, const listener_options& options,
                                                 const endpoint& accepts_elsewhere);
  listener(listener&&) noexcept;
  listener& operator=(listener&&) noexcept;
  ~listener();

  /// Begins to accept: one handler for all connections, borrowed until the last on_close ...
  void serve(connection_handler& shared);
  /// ... or one for each, owned by its connection ...
  void serve(handler_factory factory);
  /// ... or a coroutine for each, `task<void>(connection)` (myra/transport/async.hpp). An exception
  /// out of it closes its connection, is counted and logged.
  template <std::invocable<connection> Coroutine>
  void serve(Coroutine coroutine) {
    serve_coroutine(connection_coroutine(std::move(coroutine)));
  }

  /// From now on accepted sockets are offered to `elsewhere` first, on this thread: each, or those
  /// that come while the listener closes; and then also what still waits in the kernel's queue.
  /// To be called before `serve`.
  void divert(diversion which, socket_taker elsewhere) noexcept;
  /// A connected socket that was accepted elsewhere, with whatever it has received: goes on as if
  /// accepted here. It is ours from now on; a listener that is closing offers it to `elsewhere`.
  void take(int socket) noexcept;
  /// The same for one that an inlet of this reactor's backend has brought.
  void take_in(io::descriptor socket) noexcept;

  /// Stops accepting and closes the socket. Connections live on.
  void close() noexcept;

  /// The address bound to, with the port that the kernel chose.
  [[nodiscard]] const endpoint& local() const noexcept;
  [[nodiscard]] listener_counters counters() const noexcept;
  /// Connections of this listener that are not closed yet.
  [[nodiscard]] std::uint32_t connection_count() const noexcept;

 private:
  void serve_coroutine(connection_coroutine coroutine);

  class acceptor;
  struct retire {
    void operator()(acceptor* owned) const noexcept;
  };
  explicit listener(acceptor* owned) noexcept;
  std::unique_ptr<acceptor, retire> acceptor_;
};

}  // namespace myra
