// Whether a close of a direct descriptor takes effect at once, found by trial.
//
// Up to Linux 6.12 the kernel lets go of what leaves a ring's table in the order in which it left,
// and of none before all operations on the table's files that are older have ended
// (io_uring/rsrc.c, io_rsrc_node_ref_zero). A receive that is armed for hours keeps every socket
// that was closed since: its peer sees neither end nor reset. From 6.13 on each file has a count of
// its own.
#pragma once

#include <cstdint>

namespace myra::io {

enum class close_trial : std::uint8_t {
  immediate,
  late,
  failed,  ///< For want of descriptors or memory: another time it may be told.
};

/// Tried until there is an answer, which holds for the life of the process; about 0.1 ms, or 10 ms
/// more where it is late.
[[nodiscard]] close_trial try_direct_close() noexcept;

}  // namespace myra::io
