// What a backend promises. `io/uring` and `io/epoll` implement it; the reactor picks one when it
// opens.
//
// Every backend gives the same results for the same operations, as the comment on each operation
// says, and the same order within one direction of one connection. No order is promised across
// connections.
//
// Thread: everything on the loop's thread, but `wake`, which any thread may call.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "myra/core/clock.hpp"
#include "myra/core/error.hpp"
#include "myra/core/result.hpp"
#include "myra/io/capabilities.hpp"
#include "myra/io/chain_link.hpp"
#include "myra/io/network.hpp"
#include "myra/io/operation.hpp"
#include "myra/io/waiting.hpp"

namespace myra::io {

/// Receives into an area (zero_copy_receive_options). All zero where there is none.
struct zero_copy_receive_counters {
  std::uint64_t pages = 0;           ///< Of the area.
  std::uint64_t windows = 0;         ///< Windows of it that somebody owns, at present.
  std::uint64_t receives = 0;        ///< That brought bytes of the area.
  std::uint64_t received_bytes = 0;  ///< By these.
  std::uint64_t waits = 0;           ///< Receives that waited for a free page.
  std::uint64_t queue_full = 0;      ///< Ended for want of room in the completion queue.
  std::uint64_t flushes = 0;         ///< Times that the kernel was asked to take pages back.
  std::uint64_t refill_full = 0;     ///< Times that the ring for pages to take back was full.
  std::uint64_t kernel_copies = 0;   ///< What the kernel copied into the area, as it says.
  std::uint64_t kernel_copied_bytes = 0;
};

/// Counted since the backend opened.
struct backend_counters {
  std::uint64_t kernel_entries = 0;  ///< System calls of any kind that the backend made.
  std::uint64_t waits = 0;
  std::uint64_t sleeps = 0;  ///< Waits in which the kernel was allowed to put the thread to sleep.
  std::uint64_t submissions = 0;
  std::uint64_t completions = 0;
  std::uint64_t late_completions =
      0;                        ///< Of an earlier generation; dropped, what they carried reclaimed.
  std::uint64_t overflows = 0;  ///< Turns in which the completion queue had overflowed.
  std::uint64_t no_buffer = 0;  ///< Receives that ended with -ENOBUFS.
  std::uint64_t silent_sends = 0;   ///< Sends that completed without a completion of the kernel.
  std::uint64_t wakes = 0;          ///< Wakes from other threads.
  std::uint64_t direct_places = 0;  ///< Of the table of direct descriptors; 0: none is used.
  std::uint64_t direct_opened = 0;  ///< Direct descriptors that were filled.
  std::uint64_t direct_open = 0;    ///< Of these, filled at present.
  std::uint64_t direct_full = 0;    ///< Accepts and connects that took ordinary ones: it was full.
  std::uint64_t direct_lost = 0;    ///< Connections dropped by the kernel: it filled up meanwhile.
  std::uint64_t direct_installed = 0;  ///< Ordinary descriptors made for direct ones.
  std::uint64_t handed_over = 0;       ///< Sockets that went to another backend's inlet ...
  std::uint64_t handed_back = 0;       ///< ... that were not taken there, and stayed ...
  std::uint64_t taken_in = 0;          ///< ... and that came in by an inlet of ours.
  zero_copy_receive_counters zero_copy_receive;
};

/// Features that may be switched, one at a time, for tests and for comparison. On by default where
/// they pay; docs/decisions has the figures.
struct feature_switches {
  bool multishot_accept = true;
  bool multishot_receive = true;
  bool silent_sends = true;
  bool zero_copy_sends = true;
  bool registered_ring = true;
  bool deferred_task_run = true;
  bool direct_descriptors = true;
  bool datagram_segmentation = true;  ///< UDP_SEGMENT, udp(7).
  bool datagram_coalescing = true;    ///< UDP_GRO, udp(7).
  bool ring_messages = false;         ///< Sockets go to other reactors from ring to ring.
  bool registered_waits = true;
  bool no_iowait = true;
  bool receive_limit = true;         ///< Multishot receives that end after so many bytes.
  bool incremental_buffers = false;  ///< Buffers that the kernel fills piece by piece.
  bool receive_bundles = false;      ///< Receives that fill several buffers at a time.
  bool large_buffers = true;         ///< A second group of buffers, for connections that get much.
};

class backend {
 public:
  virtual ~backend() = default;

  [[nodiscard]] virtual backend_kind kind() const noexcept = 0;

  /// Takes an idle operation. Nothing happens before the next turn.
  virtual void submit(operation& queued) noexcept = 0;

  /// Asks an operation to end early. It still completes, once: with -ECANCELED, or with what came
  /// first. Does nothing to an idle one.
  virtual void cancel(operation& unwanted) noexcept = 0;

  /// How many entries one chain may have, each limit counted; zero: this backend links nothing.
  [[nodiscard]] virtual std::size_t chain_length_max() const noexcept { return 0; }

  /// Takes idle operations that are to follow each other, no more than chain_length_max(). They go
  /// to the kernel together, and each completes as if it was submitted alone. False: there is no
  /// room at present and nothing was taken; try again in a later turn.
  [[nodiscard]] virtual bool submit_chain(
      [[maybe_unused]] std::span<const chain_link> links) noexcept {
    return false;
  }

  /// Lets other backends hand sockets to this one. Errors, with a reason: unsupported.
  [[nodiscard]] virtual opened<inlet_address> open_inlet(inlet& into);

  /// The first half of a turn: everything submitted goes to the kernel, which waits until something
  /// completes, the deadline passes or somebody wakes it, in one kernel entry. `now` is the clock
  /// at the call. A deadline of `time_point{}` does not wait. A signal ends the wait early, without
  /// an error. Errors: the kernel refuses the ring or the epoll instance itself; nothing is lost,
  /// but no wait will work again.
  [[nodiscard]] virtual result<void> wait(time_point deadline, time_point now) noexcept = 0;

  /// The second half: every completion that is there is delivered.
  virtual void deliver() noexcept = 0;

  /// Whether it can carry out zero_copy_send_operation.
  [[nodiscard]] virtual bool zero_copy_sends() const noexcept { return false; }

  /// Whether submitted operations wait for a turn to go to the kernel.
  [[nodiscard]] virtual bool pending() const noexcept = 0;

  /// When it has to look by itself, since no event will tell: a foreign loop waits no longer.
  [[nodiscard]] virtual time_point next_look() const noexcept { return never; }

  /// Ends the present or next wait. Any thread.
  virtual void wake() noexcept = 0;

  [[nodiscard]] virtual time_point now() noexcept = 0;
  /// The same clock, cheaper, and up to some milliseconds behind (CLOCK_MONOTONIC_COARSE,
  /// clock_gettime(2)).
  [[nodiscard]] virtual time_point rough_now() noexcept = 0;

  /// A descriptor that is readable when a turn has completions to deliver, for a foreign loop.
  /// Owned by the backend.
  [[nodiscard]] virtual int descriptor() const noexcept = 0;

  /// Of its ring, for another that is to share its polling thread (submission_polling_options); -1:
  /// it has none. Owned by the backend.
  [[nodiscard]] virtual int ring_descriptor() const noexcept { return -1; }

  /// Buffers that lie ready for receives, taken from the pool before.
  [[nodiscard]] virtual std::uint32_t ready_buffer_count() const noexcept { return 0; }

  /// The area that zero-copy receives bring windows of; null: there is none.
  [[nodiscard]] virtual buffer_pool* receive_area_pool() noexcept { return nullptr; }

  [[nodiscard]] virtual network& sockets() noexcept = 0;
  [[nodiscard]] virtual backend_counters counters() const noexcept = 0;
};

}  // namespace myra::io
