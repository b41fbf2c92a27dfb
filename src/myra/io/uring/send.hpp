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
  const bool gathers = send.vector != nullptr;
  entry->opcode = gathers ? IORING_OP_SENDMSG : IORING_OP_SEND;
  entry->flags = static_cast<std::uint8_t>(send.descriptor.in_table() |
                                           (send.silent ? IOSQE_CQE_SKIP_SUCCESS : 0U));
  entry->fd = static_cast<std::int32_t>(send.descriptor.number_or_slot());
  entry->addr = gathers ? reinterpret_cast<std::uintptr_t>(send.vector)
                        : reinterpret_cast<std::uintptr_t>(send.data);
  entry->len = gathers ? 1 : send.size;
  entry->msg_flags = send.silent ? usual | MSG_DONTWAIT : usual;
}

}  // namespace myra::io
