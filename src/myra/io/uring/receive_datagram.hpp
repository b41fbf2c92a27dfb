// IORING_OP_RECVMSG into a buffer of the buffer ring; multishot since Linux 6.0.
#pragma once

#include <liburing.h>

#include <algorithm>

#include "myra/io/datagram_operation.hpp"
#include "myra/io/uring/aim.hpp"
#include "myra/io/uring/buffer_ring.hpp"

namespace myra::io {

/// Of all multishot receives: how much of a buffer's start the kernel is to keep for the address
/// and for what else it tells. They follow a header of its own.
[[nodiscard]] inline msghdr multishot_shape() noexcept {
  msghdr shape{};
  shape.msg_namelen = receive_envelope::peer_size_max;
  shape.msg_controllen = receive_envelope::control_size_max;
  return shape;
}
static_assert(sizeof(io_uring_recvmsg_out) + receive_envelope::peer_size_max +
                  receive_envelope::control_size_max ==
              datagram_headroom_bytes);

inline void prepare(io_uring_sqe* entry, receive_datagram_operation& receive,
                    const buffer_ring& into) noexcept {
  receive_envelope& envelope = receive.envelope;
  if (receive.multishot) {
    envelope.header = multishot_shape();
    io_uring_prep_recvmsg_multishot(entry, 0, &envelope.header, MSG_TRUNC);
  } else {
    envelope.open(nullptr, into.size_bytes() - datagram_headroom_bytes);
    io_uring_prep_recvmsg(entry, 0, &envelope.header, MSG_TRUNC);
  }
  aim(entry, receive.descriptor);
  if (receive.poll_first) entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = static_cast<std::uint16_t>(into.options().group);
}

/// Narrows `bytes` from what a multishot receive filled to the datagram itself, and tells of it.
/// Null peer and size 0 when the kernel's header does not fit the bytes.
[[nodiscard]] inline arrival unwrap(buffer& bytes) noexcept {
  msghdr shape = multishot_shape();
  const auto filled = static_cast<int>(bytes.size());
  io_uring_recvmsg_out* told = io_uring_recvmsg_validate(bytes.writable().data(), filled, &shape);
  if (told == nullptr) return {};
  msghdr header{};
  header.msg_name = io_uring_recvmsg_name(told);
  header.msg_namelen = told->namelen;
  header.msg_control = static_cast<std::byte*>(header.msg_name) + shape.msg_namelen;
  header.msg_controllen = std::min<std::size_t>(told->controllen, shape.msg_controllen);
  const arrival found = read_arrival(header, told->payloadlen);
  bytes.remove_prefix(datagram_headroom_bytes);
  return found;
}

}  // namespace myra::io
