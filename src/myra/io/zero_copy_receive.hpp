// Receives that bring bytes where the network card put them (io_uring zero-copy receive, "ZCRX",
// Linux 6.15). docs/zcrx.md says what a card has to have and how it is prepared.
#pragma once

#include <cstdint>
#include <string>

namespace myra::io {

enum class zero_copy_receive_mode : std::uint8_t {
  off,
  queue,      ///< A receive queue of a network card fills our memory.
  no_device,  ///< The kernel copies into it (ZCRX_REG_NODEV, Linux 7.1): to try it without a card.
};

/// Multishot receives of TCP sockets bring windows of one area of memory, of which the kernel or
/// the card uses a page for each piece that comes. One-shot receives, and sockets of other kinds,
/// take buffers of the pool.
struct zero_copy_receive_options {
  zero_copy_receive_mode mode = zero_copy_receive_mode::off;
  /// Of `queue`: the network interface's name, and which of its receive queues. The reactors of a
  /// group take this one and those that follow it.
  std::string interface = {};
  std::uint32_t queue = 0;
  /// 64 KiB to 2 GiB in steps of 64 KiB. Locked memory, all of it from the start.
  std::uint32_t area_bytes = 64 * 1024 * 1024;
  /// Ask for huge pages (the area is rounded up to whole ones), else for transparent ones.
  bool huge_pages = false;
};

/// Names the first option that is out of bounds, what was found and what is allowed; empty when all
/// is right. Names begin with "zero_copy_receive.".
[[nodiscard]] std::string check(const zero_copy_receive_options& options);

}  // namespace myra::io
