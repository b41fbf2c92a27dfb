// IORING_OP_ACCEPT; multishot and into the table of direct descriptors since Linux 5.19.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/aim.hpp"
#include "myra/io/uring/direct_table.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const accept_operation& accept,
                    accept_mode mode) noexcept {
  const bool direct = mode == accept_mode::direct || mode == accept_mode::direct_once;
  const bool once = mode == accept_mode::direct_once || mode == accept_mode::ordinary_once;
  if (accept.multishot && !once)
    io_uring_prep_multishot_accept(entry, 0, nullptr, nullptr, direct ? 0 : SOCK_CLOEXEC);
  else
    io_uring_prep_accept(entry, 0, nullptr, nullptr, direct ? 0 : SOCK_CLOEXEC);
  // No close-on-exec for these: they are not in the process's table, which is what is inherited.
  if (direct) entry->file_index = IORING_FILE_INDEX_ALLOC;
  aim(entry, accept.descriptor);
}

}  // namespace myra::io
