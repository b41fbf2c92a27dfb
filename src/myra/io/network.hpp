// The calls on sockets that do not wait: making them, naming them, setting their options. The
// kernel's answer them, or a simulated network's.
#pragma once

#include <sys/socket.h>

#include <cstdint>

namespace myra::io {

/// All of it on the loop's thread. Results are as of the system call: not negative, or -errno.
class network {
 public:
  virtual ~network() = default;

  /// socket(2) with close-on-exec, in the mode that the backend needs.
  virtual int open(int family, int type, int protocol) noexcept = 0;
  virtual int bind(int socket, const sockaddr* address, socklen_t size) noexcept = 0;
  virtual int listen(int socket, int backlog) noexcept = 0;
  virtual int set_option(int socket, int level, int name, const void* value,
                         socklen_t size) noexcept = 0;
  virtual int get_option(int socket, int level, int name, void* value,
                         socklen_t* size) noexcept = 0;
  virtual int local_address(int socket, sockaddr* address, socklen_t* size) noexcept = 0;
  virtual int peer_address(int socket, sockaddr* address, socklen_t* size) noexcept = 0;
  /// Puts a descriptor that came from elsewhere (inherited, passed) into the mode that the backend
  /// needs.
  virtual int adopt(int socket) noexcept = 0;
  /// close(2) at once, for sockets that no operation is in flight on.
  virtual void close(int socket) noexcept = 0;
  /// Calls of this interface so far, for the count of kernel entries.
  [[nodiscard]] virtual std::uint64_t entries() const noexcept = 0;
};

}  // namespace myra::io
