// IORING_OP_POLL_ADD; multishot since Linux 5.13.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/aim.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const poll_operation& poll) noexcept {
  if (poll.multishot)
    io_uring_prep_poll_multishot(entry, 0, poll.events);
  else
    io_uring_prep_poll_add(entry, 0, poll.events);
  aim(entry, poll.descriptor);
}

}  // namespace myra::io
