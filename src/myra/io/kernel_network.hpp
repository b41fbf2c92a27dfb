// The kernel's own sockets.
#pragma once

#include "myra/io/network.hpp"

namespace myra::io {

enum class socket_mode { blocking, nonblocking };

class kernel_network final : public network {
 public:
  explicit kernel_network(socket_mode mode) noexcept : mode_(mode) {}

  int open(int family, int type, int protocol) noexcept override;
  int bind(descriptor socket, const sockaddr* address, socklen_t size) noexcept override;
  int listen(descriptor socket, int backlog) noexcept override;
  int connect(descriptor socket, const sockaddr* address, socklen_t size) noexcept override;
  int set_option(descriptor socket, int level, int name, const void* value,
                 socklen_t size) noexcept override;
  int get_option(descriptor socket, int level, int name, void* value,
                 socklen_t* size) noexcept override;
  int local_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept override;
  int peer_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept override;
  int duplicate(descriptor socket) noexcept override;
  int adopt(int socket) noexcept override;
  void close(descriptor socket) noexcept override;
  int accept_waiting(descriptor socket) noexcept override;
  int refuse_more(descriptor socket) noexcept override;
  [[nodiscard]] std::uint64_t entries() const noexcept override { return entries_; }

 private:
  int counted(int result) noexcept;

  socket_mode mode_;
  std::uint64_t entries_ = 0;
};

}  // namespace myra::io
