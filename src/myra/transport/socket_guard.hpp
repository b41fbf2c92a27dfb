// A socket that closes itself unless it is taken out.
#pragma once

#include <utility>

#include "myra/io/network.hpp"

namespace myra {

class socket_guard {
 public:
  /// `sockets` is borrowed, and outlives this.
  socket_guard(io::network& sockets, int socket) noexcept : sockets_(sockets), socket_(socket) {}
  socket_guard(const socket_guard&) = delete;
  socket_guard& operator=(const socket_guard&) = delete;
  ~socket_guard() {
    if (socket_ >= 0) sockets_.close(socket_);
  }
  [[nodiscard]] int get() const noexcept { return socket_; }
  [[nodiscard]] int take() noexcept { return std::exchange(socket_, -1); }

 private:
  io::network& sockets_;
  int socket_;
};

}  // namespace myra
