// The kernel's sockets, for the backend on io_uring: those with ordinary descriptors by system
// calls, direct ones through the ring.
#pragma once

#include "myra/io/kernel_network.hpp"
#include "myra/io/uring/direct_table.hpp"
#include "myra/io/uring/ring.hpp"

namespace myra::io {

/// A call on a direct descriptor costs one kernel entry as well, which also submits what is queued.
/// What the kernel offers no operation for (addresses, reading options) is asked of a real
/// descriptor that is made for the call: three entries. Both need the completion queue to have
/// room at that moment.
class uring_network final : public network {
 public:
  /// Both are borrowed and outlive this.
  uring_network(ring& on, direct_table& table) noexcept : ring_(on), table_(table) {}

  int open(int family, int type, int protocol) noexcept override {
    return kernel_.open(family, type, protocol);
  }
  /// A direct descriptor (IORING_OP_SOCKET) while the table has places beyond its last ones.
  int open_stream(int family, descriptor& made) noexcept override;
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
  int accept_waiting(descriptor socket) noexcept override;
  int refuse_more(descriptor socket) noexcept override;
  [[nodiscard]] std::uint64_t entries() const noexcept override { return kernel_.entries(); }
  /// Whether the kernel binds and listens by operations (Linux 6.11); else a real descriptor is
  /// made for the call.
  void bind_by_operation() noexcept { binds_ = true; }
  [[nodiscard]] bool binds_by_operation() const noexcept { return binds_; }
  /// Streams that were opened as direct descriptors, and as ordinary ones since the table was full.
  [[nodiscard]] std::uint64_t direct_opened_count() const noexcept { return direct_opened_count_; }
  [[nodiscard]] std::uint64_t direct_full_count() const noexcept { return direct_full_count_; }
  /// Real descriptors made for direct ones.
  [[nodiscard]] std::uint64_t installed_count() const noexcept { return installed_count_; }

 private:
  template <class Call>
  int on_number(descriptor socket, Call call) noexcept;

  ring& ring_;
  direct_table& table_;
  kernel_network kernel_{socket_mode::blocking};
  bool binds_ = false;
  std::uint64_t installed_count_ = 0;
  std::uint64_t direct_opened_count_ = 0;
  std::uint64_t direct_full_count_ = 0;
};

}  // namespace myra::io
