// IORING_OP_CONNECT.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/aim.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const connect_operation& connect) noexcept {
  io_uring_prep_connect(entry, 0, connect.address, connect.address_size);
  aim(entry, connect.descriptor);
}

}  // namespace myra::io
