// IORING_OP_SEND and IORING_OP_SENDMSG.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/aim.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const send_operation& send) noexcept {
  // With MSG_WAITALL the kernel continues short sends of a stream by itself. With MSG_DONTWAIT in
  // addition it does so once and reports what is left, so that a silent send is over when the
  // kernel entry returns.
  constexpr unsigned usual = MSG_NOSIGNAL | MSG_WAITALL;
  // As io_uring_prep_send(3) and io_uring_prep_sendmsg(3) would, but each field once: this is done
  // for every message.
  entry->fd = static_cast<std::int32_t>(send.descriptor.number_or_slot());
  entry->len = send.size;
  entry->addr = reinterpret_cast<std::uintptr_t>(send.data);
  if (send.silent) [[likely]] {
    entry->msg_flags = usual | MSG_DONTWAIT;
    entry->flags = static_cast<std::uint8_t>(send.descriptor.in_table() | IOSQE_CQE_SKIP_SUCCESS);
  } else {
    entry->msg_flags = usual;
    entry->flags = static_cast<std::uint8_t>(send.descriptor.in_table());
  }
  entry->opcode = IORING_OP_SEND;
  if (send.vector == nullptr) [[likely]]
    return;
  entry->opcode = IORING_OP_SENDMSG;
  entry->addr = reinterpret_cast<std::uintptr_t>(send.vector);
  entry->len = 1;
}

}  // namespace myra::io
