// IORING_OP_CONNECT.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const connect_operation& connect) noexcept {
  io_uring_prep_connect(entry, connect.descriptor, connect.address, connect.address_size);
}

}  // namespace myra::io
