// IORING_OP_SHUTDOWN, Linux 5.11.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/aim.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const shutdown_operation& shutdown) noexcept {
  io_uring_prep_shutdown(entry, 0, shutdown.how);
  aim(entry, shutdown.descriptor);
}

}  // namespace myra::io
