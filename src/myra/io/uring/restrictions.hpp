// A ring that can do sockets and nothing else: io_uring_register_restrictions(3).
#pragma once

#include <liburing.h>

namespace myra::io {

/// To be called while the ring is disabled (IORING_SETUP_R_DISABLED); it holds from the moment that
/// the ring is enabled. Anything else then ends with -EACCES. `receives_into_area`: it will do
/// zero-copy receives. Zero, or -errno.
[[nodiscard]] int restrict_to_sockets(io_uring& disabled, bool receives_into_area) noexcept;

}  // namespace myra::io
