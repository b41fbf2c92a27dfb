// IORING_OP_CLOSE; of direct descriptors since Linux 5.15.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/user_data.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const close_operation& close) noexcept {
  if (close.descriptor.is_direct())
    io_uring_prep_close_direct(entry, close.descriptor.slot());
  else
    io_uring_prep_close(entry, close.descriptor.number());
}

/// A close on the backend's own account.
inline void prepare_slot_close(io_uring_sqe* entry, unsigned slot) noexcept {
  io_uring_prep_close_direct(entry, slot);
  io_uring_sqe_set_data64(entry, slot_close_tag);
}

}  // namespace myra::io
