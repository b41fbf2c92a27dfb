#include "myra/io/uring/uring_network.hpp"

#include <cerrno>

#include "myra/io/uring/aim.hpp"
#include "myra/io/uring/close.hpp"
#include "myra/io/uring/user_data.hpp"

namespace myra::io {

/// Calls with a number for the socket: its own, or that of a real descriptor made for the call.
template <class Call>
int uring_network::on_number(descriptor socket, Call call) noexcept {
  if (!socket.is_direct()) return call(socket.number());
  const int installed = duplicate(socket);
  if (installed < 0) return installed;
  const int status = call(installed);
  kernel_.close(installed);
  return status;
}

int uring_network::open_stream(int family, descriptor& made) noexcept {
  if (!table_.exists()) return network::open_stream(family, made);
  if (table_.nearly_full()) {
    ++direct_full_count_;
    return network::open_stream(family, made);
  }
  const int slot = ring_.call(open_tag, [&](io_uring_sqe* entry) {
    io_uring_prep_socket_direct_alloc(entry, family, SOCK_STREAM, 0, 0);
  });
  // Whatever is in the way of it is not in the way of an ordinary one.
  if (slot < 0) return network::open_stream(family, made);
  table_.filled();
  ++direct_opened_count_;
  made = descriptor::direct(static_cast<unsigned>(slot));
  return 0;
}

int uring_network::bind(descriptor socket, const sockaddr* address, socklen_t size) noexcept {
  if (socket.is_direct() && binds_)
    return ring_.call(call_tag, [&](io_uring_sqe* entry) {
      // It only reads the address.
      io_uring_prep_bind(entry, 0, const_cast<sockaddr*>(address), size);
      aim(entry, socket);
    });
  return on_number(socket, [&](int number) { return kernel_.bind(number, address, size); });
}

int uring_network::listen(descriptor socket, int backlog) noexcept {
  if (socket.is_direct() && binds_)
    return ring_.call(call_tag, [&](io_uring_sqe* entry) {
      io_uring_prep_listen(entry, 0, backlog);
      aim(entry, socket);
    });
  return on_number(socket, [&](int number) { return kernel_.listen(number, backlog); });
}

int uring_network::connect(descriptor socket, const sockaddr* address, socklen_t size) noexcept {
  return on_number(socket, [&](int number) { return kernel_.connect(number, address, size); });
}

int uring_network::set_option(descriptor socket, int level, int name, const void* value,
                              socklen_t size) noexcept {
  if (!socket.is_direct()) return kernel_.set_option(socket, level, name, value, size);
  const int status = ring_.call(call_tag, [&](io_uring_sqe* entry) {
    // It only reads the value.
    io_uring_prep_cmd_sock(entry, SOCKET_URING_OP_SETSOCKOPT, 0, level, name,
                           const_cast<void*>(value), static_cast<int>(size));
    aim(entry, socket);
  });
  // Unix sockets know no commands at all (io_uring_cmd_sock() of Linux asks for an ioctl of TCP's).
  if (status != -EOPNOTSUPP || level != SOL_SOCKET) return status;
  const int again = on_number(
      socket, [&](int number) { return kernel_.set_option(number, level, name, value, size); });
  return again == -EMFILE || again == -ENFILE ? status : again;
}

int uring_network::get_option(descriptor socket, int level, int name, void* value,
                              socklen_t* size) noexcept {
  return on_number(
      socket, [&](int number) { return kernel_.get_option(number, level, name, value, size); });
}

int uring_network::local_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept {
  return on_number(socket,
                   [&](int number) { return kernel_.local_address(number, address, size); });
}

int uring_network::peer_address(descriptor socket, sockaddr* address, socklen_t* size) noexcept {
  return on_number(socket, [&](int number) { return kernel_.peer_address(number, address, size); });
}

int uring_network::duplicate(descriptor socket) noexcept {
  if (!socket.is_direct()) return kernel_.duplicate(socket);
  ++installed_count_;
  return ring_.call(install_tag, [&](io_uring_sqe* entry) {
    io_uring_prep_fixed_fd_install(entry, static_cast<int>(socket.slot()), 0);  // close-on-exec
  });
}

int uring_network::accept_waiting(descriptor socket) noexcept {
  return on_number(socket, [&](int number) { return kernel_.accept_waiting(number); });
}

int uring_network::refuse_more(descriptor socket) noexcept {
  return on_number(socket, [&](int number) { return kernel_.refuse_more(number); });
}

void uring_network::close(descriptor socket) noexcept {
  if (!socket.is_direct()) return kernel_.close(socket);
  io_uring_sqe* entry = ring_.entry_or_flush();
  if (entry == nullptr) return table_.postpone_closing(socket.slot());
  prepare_slot_close(entry, socket.slot());
}

}  // namespace myra::io
