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
  const int flags = MSG_NOSIGNAL | MSG_WAITALL | (send.silent ? MSG_DONTWAIT : 0);
  if (send.vector != nullptr)
    io_uring_prep_sendmsg(entry, 0, send.vector, static_cast<unsigned>(flags));
  else
    io_uring_prep_send(entry, 0, send.data, send.size, flags);
  aim(entry, send.descriptor);
  if (send.silent) entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

}  // namespace myra::io
