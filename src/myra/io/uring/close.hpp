// IORING_OP_CLOSE.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const close_operation& close) noexcept {
  io_uring_prep_close(entry, close.descriptor);
}

}  // namespace myra::io
