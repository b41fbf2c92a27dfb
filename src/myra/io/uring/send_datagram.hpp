// IORING_OP_SENDMSG of one datagram.
#pragma once

#include <liburing.h>

#include "myra/io/datagram_operation.hpp"
#include "myra/io/uring/aim.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const send_datagram_operation& send) noexcept {
  const int flags = MSG_NOSIGNAL | (send.silent ? MSG_DONTWAIT : 0);
  io_uring_prep_sendmsg(entry, 0, send.message, static_cast<unsigned>(flags));
  aim(entry, send.descriptor);
  if (send.silent) entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

}  // namespace myra::io
