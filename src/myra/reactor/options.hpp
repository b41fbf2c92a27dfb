// The options of a reactor: named fields, defaults that are right.
#pragma once

#include <cstdint>
#include <string>

#include "myra/core/clock.hpp"
#include "myra/core/log.hpp"
#include "myra/io/backend.hpp"
#include "myra/io/backend_source.hpp"
#include "myra/io/ring_options.hpp"
#include "myra/io/zero_copy_receive.hpp"
#include "myra/memory/buffer_pool.hpp"
#include "myra/reactor/zero_copy.hpp"

namespace myra {

/// How long things take, in histograms of the reactor's counter_board.
enum class latency_timing : std::uint8_t {
  off,
  turns,     ///< One exact reading of the clock a turn.
  messages,  ///< And one for each message.
};

/// Buffers of a second size, for receives of connections that are sent much: fewer calls, each for
/// more (docs/decisions/0016). The memory is taken when the first such connection is there.
struct large_buffer_options {
  std::uint32_t size_bytes = 64 * 1024;  ///< Larger than the pool's slots; to 1 MiB, by 64.
  std::uint32_t ready_count = 32;        ///< That lie ready at most; a power of two, 1 to 32,768.
  std::uint32_t count_max = 1024;        ///< No more than this, 1 to 32,768.
};

struct reactor_options {
  /// `automatic` takes io_uring where the kernel lets us have it and epoll elsewhere; the reactor
  /// says which and why.
  io::backend_kind backend = io::backend_kind::automatic;
  /// `spin` never sleeps: lowest latency for a whole core. `spin_then_block` looks for `spin_time`
  /// before it sleeps. docs/waiting.md says what each costs.
  io::waiting wait = io::waiting::block;
  /// Of `spin_then_block`; above zero, 1 s at most.
  duration spin_time = std::chrono::microseconds(50);
  /// How long a wait polls the queues of the network cards that its connections came by, in place
  /// of their interrupts (NAPI busy polling: IORING_REGISTER_NAPI, Linux 6.9; EPIOCSPARAMS,
  /// Linux 6.9); whole microseconds to 1 s, zero: not at all. Does nothing on loopback and other
  /// cards without queues of their own.
  duration busy_poll = duration::zero();
  /// The card's interrupts stay off while it is polled (napi_defer_hard_irqs and gro_flush_timeout
  /// of the card are to be set as well).
  bool prefer_busy_poll = false;
  pool_options pool = {};
  /// When sends go without a copy, on io_uring (Linux 6.2); epoll copies always.
  zero_copy_options zero_copy = {};
  /// Receives without a copy, on io_uring; where they cannot be had the reactor says why and
  /// copies.
  io::zero_copy_receive_options zero_copy_receive = {};
  /// Most buffers in the kernel's ring for receives (docs/decisions/0043); 2^n from 1 to 32,768.
  std::uint32_t receive_buffer_count = 256;
  /// Unused when features.large_buffers is off, or the pool's slots are no smaller.
  large_buffer_options large_buffers = {};
  /// What receives use is tried on a small ring when the process opens its first reactor on
  /// io_uring, and left unused where the kernel gets it wrong; some milliseconds. The environment's
  /// MYRA_SELF_TEST=off switches it off as well.
  bool self_test = true;
  /// Entries of the submission queue; a power of two, 4 to 32,768. Halved by itself where
  /// RLIMIT_MEMLOCK is small.
  std::uint32_t submission_entries = 1024;
  /// Entries of the completion queue; a power of two from submission_entries to 65,536. A multishot
  /// operation ends when it overflows.
  std::uint32_t completion_entries = 8192;
  /// Places in the ring's own table of descriptors (direct descriptors): what is accepted beyond
  /// them takes ordinary ones. At most RLIMIT_NOFILE; zero: that many, up to 16,384.
  std::uint32_t direct_descriptor_count = 0;
  /// For times of want (docs/decisions/0071); zero: none of this.
  /// - While less than half of the pool is left, a connection whose present send has not completed
  ///   is back-pressured once it holds its share of what is left (that, over the number of
  ///   connections), until it holds less. That is looked at when a send completes, and four times
  ///   in so long or every 250 ms, whichever is more often.
  /// - A shorter write_timeout: while buffers are waited for and less than an eighth of the pool is
  ///   left, connections whose present send (512 KiB at most) has taken so long, and that hold half
  ///   their share of the pool (slot_count_max over the number of connections) or more, are closed
  ///   with transport_errc::buffers_wanted.
  duration shortage_patience = std::chrono::seconds(1);
  /// Calls that other threads may have waiting.
  std::uint32_t inbox_capacity = 4096;
  /// Handlers that keep the loop longer than this in one turn are counted and logged; zero: never.
  duration stall_threshold = std::chrono::milliseconds(100);
  /// Also report a stall while it lasts, from a thread of its own.
  bool watchdog = false;
  /// Show the counters to other threads, once a turn (`reactor::board`).
  bool publish_counters = false;
  /// Fill the histograms of the board as well; `turns` and `messages` publish the counters too.
  latency_timing latency = latency_timing::off;
  /// How the ring of io_uring is set up; epoll has no use for it.
  io::ring_options ring = {};
  /// Kernel features to leave unused.
  io::feature_switches features = {};
  log_sink log = {};
  /// Not a backend on this machine's kernel but one from here, whatever `backend` says: a machine
  /// of a simulated world (myra/sim.hpp). Borrowed for as long as the reactor lives.
  io::backend_source* source = nullptr;
};

/// Names the first field that is out of bounds, what was found and what is allowed; empty when all
/// are right.
[[nodiscard]] std::string check(const reactor_options& options);

}  // namespace myra
