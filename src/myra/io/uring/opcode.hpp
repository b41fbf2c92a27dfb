// Whether the kernel has an operation at all (io_uring_get_probe_ring(3)).
#pragma once

#include <liburing.h>

namespace myra::io {

[[nodiscard]] inline bool knows(io_uring& on, int opcode) {
  io_uring_probe* probe = io_uring_get_probe_ring(&on);
  if (probe == nullptr) return false;
  const bool known = io_uring_opcode_supported(probe, opcode) != 0;
  io_uring_free_probe(probe);
  return known;
}

/// The number of the last operation that the kernel has; zero when it does not tell.
[[nodiscard]] inline unsigned last_operation(io_uring& on) {
  io_uring_probe* probe = io_uring_get_probe_ring(&on);
  if (probe == nullptr) return 0;
  const unsigned last = probe->last_op;
  io_uring_free_probe(probe);
  return last;
}

}  // namespace myra::io
