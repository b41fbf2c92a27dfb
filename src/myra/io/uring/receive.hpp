// IORING_OP_RECV into a buffer of the buffer ring; multishot since Linux 6.0.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/aim.hpp"
#include "myra/io/uring/buffer_ring.hpp"

namespace myra::io {

inline void prepare(io_uring_sqe* entry, const receive_operation& receive) noexcept {
  if (receive.multishot)
    io_uring_prep_recv_multishot(entry, 0, nullptr, 0, 0);
  else
    io_uring_prep_recv(entry, 0, nullptr, 0, 0);
  aim(entry, receive.descriptor);
  // Without it a receive takes a buffer, finds nothing and gives the buffer back; and it fails with
  // ENOBUFS on an empty ring although nothing has arrived that would need a buffer.
  if (receive.poll_first) entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = buffer_ring::group;
}

}  // namespace myra::io
