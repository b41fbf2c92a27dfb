// The ring of the raw io_uring programs of this folder: one thread, work of the kernel done when
// that thread enters it.
#pragma once

#include "command_line.hpp"

#include <liburing.h>

#include <algorithm>
#include <cstdint>

namespace myra::bench {

/// The queue of submissions has at most 1,024 entries. A program that spins must see that the
/// kernel has work for it; a wait is told so anyway.
inline io_uring set_up_ring(std::uint32_t completions, bool spin) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  if (spin) parameters.flags |= IORING_SETUP_TASKRUN_FLAG;
  parameters.cq_entries = completions;
  io_uring ring{};
  const int error = io_uring_queue_init_params(std::min(1024U, completions), &ring, &parameters);
  if (error != 0) fail_system("io_uring_queue_init_params", -error);
  return ring;
}

}  // namespace myra::bench
