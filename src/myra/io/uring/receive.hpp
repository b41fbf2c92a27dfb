// IORING_OP_RECV into buffers of a buffer ring; multishot since Linux 6.0, several buffers at a
// time (IORING_RECVSEND_BUNDLE) since 6.10, multishot that ends after so many bytes since 6.17.
#pragma once

#include <liburing.h>

#include "myra/io/operation.hpp"
#include "myra/io/uring/aim.hpp"
#include "myra/io/uring/buffer_ring.hpp"

namespace myra::io {

/// `limited`: the kernel can end a multishot receive after so many bytes.
///
/// A receive that polls first takes no buffer, finds nothing and gives it back, and does not fail
/// with ENOBUFS on an empty ring although nothing has come that would need a buffer. A multishot
/// one must not: where bytes and a reset are there already, one look at the socket stands for both,
/// the bytes come, and the reset is slept over (seen on Linux 6.18). On an empty ring it is
/// one-shot.
inline void prepare(io_uring_sqe* entry, const receive_operation& receive, const buffer_ring& into,
                    bool limited) noexcept {
  if (receive.multishot && into.ready_count() != 0) {
    io_uring_prep_recv_multishot(entry, 0, nullptr, 0, 0);
    if (limited) entry->optlen = receive.turn_bytes_max;
    // One-shot completes once, with one buffer.
    if (into.options().bundles) entry->ioprio |= IORING_RECVSEND_BUNDLE;
  } else {
    io_uring_prep_recv(entry, 0, nullptr, 0, 0);
    if (receive.poll_first) entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
  }
  aim(entry, receive.descriptor);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = static_cast<std::uint16_t>(into.options().group);
}

}  // namespace myra::io
