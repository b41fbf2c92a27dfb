// The kernel's sockets, for the backend on io_uring: those with ordinary descriptors by system
// calls, direct ones through the ring.
#pragma once

#include "myra/io/kernel_network.hpp"
#include "myra/io/uring/direct_table.hpp"
#include "myra/io/uring/ring.hpp"

namespace myra::io {

/// A call on a direct descriptor costs one kernel entry as well, which also submits what is queued.
/// What the kernel offers no operation for (addresses, reading options) is asked of a real
/// descriptor that is made for the call: three entries.
class uring_network final : public network {
 public:
  /// Both are borrowed and outlive this.
  uring_network(ring& on, direct_table& table) noexcept : ring_(on), table_(table) {}

  int open(int family, int type, int protocol) noexcept override {
    return kernel_.open(family, type, protocol);
  }
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
  int adopt(int socket) noexcept override { return kernel_.adopt(socket); }
  void close(descriptor socket) noexcept override;
  int accept_waiting(descriptor socket) noexcept override { return kernel_.accept_waiting(socket); }
  [[nodiscard]] std::uint64_t entries() const noexcept override { return kernel_.entries(); }
  /// Real descriptors made for direct ones.
  [[nodiscard]] std::uint64_t installed_count() const noexcept { return installed_count_; }

 private:
  template <class Call>
  int on_number(descriptor socket, Call call) noexcept;

  ring& ring_;
  direct_table& table_;
  kernel_network kernel_{socket_mode::blocking};
  std::uint64_t installed_count_ = 0;
};

}  // namespace myra::io
