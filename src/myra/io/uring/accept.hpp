// IORING_OP_ACCEPT; multishot since Linux 5.19.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const accept_operation& accept) noexcept {
  if (accept.multishot)
    io_uring_prep_multishot_accept(entry, accept.descriptor, nullptr, nullptr, SOCK_CLOEXEC);
  else
    io_uring_prep_accept(entry, accept.descriptor, nullptr, nullptr, SOCK_CLOEXEC);
}

}  // namespace myra::io
