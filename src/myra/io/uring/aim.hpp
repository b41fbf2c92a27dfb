// What a submission entry is aimed at.
#pragma once

#include <liburing.h>

#include "myra/io/descriptor.hpp"

namespace myra::io {

/// The descriptor that was given to the prep function is of no account.
inline void aim(io_uring_sqe* entry, descriptor at) noexcept {
  static_assert(IOSQE_FIXED_FILE == 1);
  entry->fd = static_cast<std::int32_t>(at.number_or_slot());
  entry->flags |= static_cast<std::uint8_t>(at.in_table());
}

}  // namespace myra::io
