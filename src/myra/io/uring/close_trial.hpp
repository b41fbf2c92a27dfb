// Whether a close of a direct descriptor takes effect at once, found by trial.
//
// Up to Linux 6.12 the kernel lets go of what leaves a ring's table in the order in which it left,
// and of none before all operations on the table's files that are older have ended
// (io_uring/rsrc.c, io_rsrc_node_ref_zero). A receive that is armed for hours keeps every socket
// that was closed since: its peer sees neither end nor reset. From 6.13 on each file has a count of
// its own.
#pragma once

namespace myra::io {

/// Tried once in the life of the process; about 0.1 ms, or 10 ms more where it does not.
[[nodiscard]] bool direct_close_is_immediate() noexcept;

}  // namespace myra::io
