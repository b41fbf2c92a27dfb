// The kernel's sockets, for the epoll backend: it has to know when a descriptor begins a new life.
#pragma once

#include "myra/io/epoll/descriptor_table.hpp"
#include "myra/io/kernel_network.hpp"

namespace myra::io {

class epoll_network final : public network {
 public:
  /// `table` is borrowed and outlives this.
  explicit epoll_network(descriptor_table& table) noexcept : table_(table) {}

  int open(int family, int type, int protocol) noexcept override {
    return begun(kernel_.open(family, type, protocol));
  }
  int bind(descriptor socket, const sockaddr* address, socklen_t size) noexcept override {
    return kernel_.bind(socket, address, size);
  }
  int listen(descriptor socket, int backlog) noexcept override {
    return kernel_.listen(socket, backlog);
  }
  int connect(descriptor socket, const sockaddr* address, socklen_t size) noexcept override {
    return kernel_.connect(socket, address, size);
  }
  int set_option(descriptor socket, int level, int name, const void* value,
                 socklen_t size) noexcept override {
    return kernel_.set_option(socket, level, name, value, size);
  }
  int get_option(descriptor socket, int level, int name, void* value,
                 socklen_t* size) noexcept override {
    return kernel_.get_option(socket, level, name, value, size);
  }
  int local_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept override {
    return kernel_.local_address(socket, address, size);
  }
  int peer_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept override {
    return kernel_.peer_address(socket, address, size);
  }
  int duplicate(descriptor socket) noexcept override { return kernel_.duplicate(socket); }
  int adopt(int socket) noexcept override {
    table_.forget(socket);
    return kernel_.adopt(socket);
  }
  void close(descriptor socket) noexcept override {
    table_.forget(socket.number());
    kernel_.close(socket);
  }
  int accept_waiting(descriptor socket) noexcept override {
    return begun(kernel_.accept_waiting(socket));
  }
  int refuse_more(descriptor socket) noexcept override { return kernel_.refuse_more(socket); }
  [[nodiscard]] std::uint64_t entries() const noexcept override { return kernel_.entries(); }

 private:
  int begun(int socket) noexcept {
    if (socket >= 0) table_.forget(socket);
    return socket;
  }

  descriptor_table& table_;
  kernel_network kernel_{socket_mode::nonblocking};
};

}  // namespace myra::io
