// IORING_OP_MSG_RING, Linux 5.18; with a direct descriptor (IORING_MSG_SEND_FD) since Linux 6.0,
// into a place that the kernel finds and tells (io_uring_prep_msg_ring_fd_alloc(3)).
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/user_data.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const hand_over_operation& hand) noexcept {
  const descriptor socket = hand.descriptor;
  const std::uint64_t data = inlet_tag(hand.to.number, socket.is_direct());
  if (socket.is_direct())
    io_uring_prep_msg_ring_fd_alloc(entry, hand.to.ring, static_cast<int>(socket.slot()), data, 0);
  else
    io_uring_prep_msg_ring(entry, hand.to.ring, static_cast<unsigned>(socket.number()), data, 0);
}

}  // namespace myra::io
