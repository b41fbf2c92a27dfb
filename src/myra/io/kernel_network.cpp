#include "myra/io/kernel_network.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace myra::io {

int kernel_network::counted(int result) noexcept {
  ++entries_;
  return result < 0 ? -errno : result;
}

int kernel_network::open(int family, int type, int protocol) noexcept {
  const int mode = mode_ == socket_mode::nonblocking ? SOCK_NONBLOCK : 0;
  return counted(::socket(family, type | SOCK_CLOEXEC | mode, protocol));
}

int kernel_network::bind(descriptor socket, const sockaddr* address, socklen_t size) noexcept {
  return counted(::bind(socket.number(), address, size));
}

int kernel_network::listen(descriptor socket, int backlog) noexcept {
  return counted(::listen(socket.number(), backlog));
}

int kernel_network::connect(descriptor socket, const sockaddr* address, socklen_t size) noexcept {
  return counted(::connect(socket.number(), address, size));
}

int kernel_network::set_option(descriptor socket, int level, int name, const void* value,
                               socklen_t size) noexcept {
  return counted(::setsockopt(socket.number(), level, name, value, size));
}

int kernel_network::get_option(descriptor socket, int level, int name, void* value,
                               socklen_t* size) noexcept {
  return counted(::getsockopt(socket.number(), level, name, value, size));
}

int kernel_network::local_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept {
  return counted(::getsockname(socket.number(), address, size));
}

int kernel_network::peer_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept {
  return counted(::getpeername(socket.number(), address, size));
}

int kernel_network::duplicate(descriptor socket) noexcept {
  constexpr int lowest = 3;  // never in the place of a standard stream
  return counted(::fcntl(socket.number(), F_DUPFD_CLOEXEC, lowest));
}

int kernel_network::adopt(int socket) noexcept {
  const int status = counted(::fcntl(socket, F_GETFL));
  if (status < 0) return status;
  const int wanted = mode_ == socket_mode::nonblocking ? status | O_NONBLOCK : status & ~O_NONBLOCK;
  if (wanted != status) {
    const int changed = counted(::fcntl(socket, F_SETFL, wanted));
    if (changed < 0) return changed;
  }
  return counted(::fcntl(socket, F_SETFD, FD_CLOEXEC));
}

void kernel_network::close(descriptor socket) noexcept { counted(::close(socket.number())); }

int kernel_network::accept_waiting(descriptor socket) noexcept {
  pollfd queue{socket.number(), POLLIN, 0};
  const int ready = counted(::poll(&queue, 1, 0));
  if (ready <= 0) return ready < 0 ? ready : -EAGAIN;
  const int mode = mode_ == socket_mode::nonblocking ? SOCK_NONBLOCK : 0;
  return counted(::accept4(socket.number(), nullptr, nullptr, SOCK_CLOEXEC | mode));
}

int kernel_network::refuse_more(descriptor socket) noexcept {
  return counted(::shutdown(socket.number(), SHUT_RD));
}

}  // namespace myra::io
