// IORING_OP_LINK_TIMEOUT, Linux 5.5, and IORING_OP_ASYNC_CANCEL as a step of a chain.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/user_data.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, cancel_operation& cancel) noexcept {
  cancel.unwanted->cancelled = true;
  io_uring_prep_cancel64(entry, user_data_of(*cancel.unwanted), 0);
}

/// The time is read when the entry is submitted.
inline void prepare(io_uring_sqe* entry, link_timeout_operation& limit) noexcept {
  const auto since_boot = limit.deadline.time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_boot);
  limit.backend_time.seconds = seconds.count();
  limit.backend_time.nanoseconds = std::chrono::nanoseconds(since_boot - seconds).count();
  static_assert(sizeof limit.backend_time == sizeof(__kernel_timespec));
  io_uring_prep_link_timeout(entry, reinterpret_cast<__kernel_timespec*>(&limit.backend_time),
                             IORING_TIMEOUT_ABS);
}

}  // namespace myra::io
