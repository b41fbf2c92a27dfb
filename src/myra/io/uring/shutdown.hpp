// IORING_OP_SHUTDOWN, Linux 5.11.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const shutdown_operation& shutdown) noexcept {
  io_uring_prep_shutdown(entry, shutdown.descriptor, shutdown.how);
}

}  // namespace myra::io
