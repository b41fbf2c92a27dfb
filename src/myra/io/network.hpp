// The calls on sockets that do not wait: making them, naming them, setting their options. The
// kernel's answer them, or a simulated network's.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

#include "myra/io/descriptor.hpp"

namespace myra::io {

/// All of it on the loop's thread. Results are as of the system call: not negative, or -errno. A
/// call on a direct descriptor says -EBUSY when its backend takes or tells nothing at present.
class network {
 public:
  virtual ~network() = default;

  /// socket(2) with close-on-exec, in the mode that the backend needs.
  virtual int open(int family, int type, int protocol) noexcept = 0;
  /// The same for a stream that is to connect, which may live in the backend's own table. Zero.
  virtual int open_stream(int family, descriptor& made) noexcept {
    const int number = open(family, SOCK_STREAM, 0);
    made = number;
    return number < 0 ? number : 0;
  }
  virtual int bind(descriptor socket, const sockaddr* address, socklen_t size) noexcept = 0;
  virtual int listen(descriptor socket, int backlog) noexcept = 0;
  /// connect(2) of a socket on which that does not wait: one of datagrams.
  virtual int connect(descriptor socket, const sockaddr* address, socklen_t size) noexcept = 0;
  virtual int set_option(descriptor socket, int level, int name, const void* value,
                         socklen_t size) noexcept = 0;
  virtual int get_option(descriptor socket, int level, int name, void* value,
                         socklen_t* size) noexcept = 0;
  virtual int local_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept = 0;
  virtual int peer_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept = 0;
  /// A descriptor of the process for the same socket, with close-on-exec, which is its caller's to
  /// close; the socket lives until both are closed (fcntl(2), F_DUPFD_CLOEXEC).
  virtual int duplicate(descriptor socket) noexcept = 0;
  /// Puts a descriptor that came from elsewhere (inherited, passed) into the mode that the backend
  /// needs.
  virtual int adopt(int socket) noexcept = 0;
  /// close(2) at once, for sockets that no operation is in flight on.
  virtual void close(descriptor socket) noexcept = 0;
  /// accept4(2) on a listening socket that no operation is in flight on, without waiting: -EAGAIN
  /// when no connection waits, which is all that a network without a queue has to say. What it
  /// accepts is an ordinary descriptor.
  virtual int accept_waiting(descriptor /*socket*/) noexcept { return -EAGAIN; }
  /// shutdown(2) of a listening Unix socket: who connects from now on is refused, and what waits
  /// can still be accepted. -EOPNOTSUPP of a network that has none.
  virtual int refuse_more(descriptor /*socket*/) noexcept { return -EOPNOTSUPP; }
  /// Calls of this interface so far, for the count of kernel entries.
  [[nodiscard]] virtual std::uint64_t entries() const noexcept = 0;
};

}  // namespace myra::io
