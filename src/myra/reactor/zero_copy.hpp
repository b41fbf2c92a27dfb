// Zero-copy sends: when they are used, and what became of them.
//
// The kernel sends from the buffers themselves and holds them until the peer has acknowledged the
// bytes. That spares the copy into the socket's own memory, and costs the pinning of pages and a
// second completion: it pays for large sends through a network card, and never on loopback, where
// the kernel copies after all.
#pragma once

#include <cstdint>
#include <string>

namespace myra {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"  // GCC 12 would have it that `never` hides the time_point
enum class zero_copy_mode : std::uint8_t {
  automatic,  ///< Of a send: as its connection's option says; of that: as its reactor's. There: for
              ///< large sends, as long as the kernel does not report that it copied.
  never,
  always,  ///< Whatever the size and the reports.
};
#pragma GCC diagnostic pop

struct zero_copy_options {
  zero_copy_mode mode = zero_copy_mode::automatic;
  /// `automatic` leaves sends of fewer bytes to copies, and connections whose send_buffer_bytes is
  /// less.
  std::uint32_t threshold_bytes = 32 * 1024;
  /// With fewer free slots than this, all sends are copies, so that peers which acknowledge late
  /// cannot hold the whole pool; at most pool.slot_count_max. Zero: an eighth of that.
  std::uint32_t free_slots_min = 0;
  /// Registers the pool's memory with the kernel (io_uring_register_buffers(3)), so that no send
  /// has to pin pages. It counts against RLIMIT_MEMLOCK and is resident from the start; where it is
  /// refused, the reactor says why and sends without. Vectors need Linux 6.15.
  bool registered_buffers = false;
};

/// Counted since the loop opened. What was asked for and is none of the others ended with an error,
/// or is still with the kernel.
struct zero_copy_counters {
  std::uint64_t asked = 0;     ///< Sends that were to go without a copy.
  std::uint64_t granted = 0;   ///< Of these: the kernel did not copy,
  std::uint64_t copied = 0;    ///< copied and said so,
  std::uint64_t refused = 0;   ///< or cannot: this backend, this socket, locked memory.
  std::uint64_t low_pool = 0;  ///< Sent as copies because few slots were free.
};

}  // namespace myra
