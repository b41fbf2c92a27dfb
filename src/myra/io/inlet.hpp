// Where sockets come in that other backends hand over, each on a thread of its own: from ring to
// ring, without a lock (IORING_OP_MSG_RING, io_uring_prep_msg_ring_fd(3)).
#pragma once

#include <atomic>
#include <cstdint>

#include "myra/io/descriptor.hpp"

namespace myra::io {

/// Owned by whoever opened it (backend::open_inlet). Stays where it is until its backend is gone.
class inlet {
 public:
  /// A socket has come, and belongs to the callback. On the thread of the inlet's backend.
  using callback = void (*)(inlet& into, descriptor socket) noexcept;
  explicit inlet(callback on_socket) noexcept : on_socket_(on_socket) {}
  inlet(const inlet&) = delete;
  inlet& operator=(const inlet&) = delete;

  void bring(descriptor socket) noexcept { on_socket_(*this, socket); }

 private:
  callback on_socket_;
};

/// What others have to know of an inlet. Good for as long as its backend lives: a socket is sent
/// there (hand_over_operation) only while somebody sees to that.
struct inlet_address {
  int ring = -1;
  std::uint32_t number = 0;
  /// How many direct descriptors that backend has room for, about; null: for none.
  const std::atomic<std::uint32_t>* room = nullptr;
};

}  // namespace myra::io
