// Operations that follow each other without the loop in between: what a backend that can link takes
// (IOSQE_IO_LINK, IOSQE_IO_HARDLINK, io_uring_enter(2)).
#pragma once

#include <cstdint>

#include "myra/io/operation.hpp"

namespace myra::io {

/// When the next step begins.
enum class link : std::uint8_t {
  soft,  ///< When this one has succeeded; else the rest completes with -ECANCELED.
  hard,  ///< When this one has ended, whatever its result.
};

/// One step of a chain: an idle operation, neither multishot nor silent.
struct chain_link {
  operation* step = nullptr;
  link to_next = link::soft;
  /// Ends the step when its deadline passes; null: nothing does. It completes with the step:
  /// -ETIME, or -ECANCELED when the step was first.
  link_timeout_operation* limit = nullptr;
};

}  // namespace myra::io
