// The ring of buffers that the kernel takes from when it receives (io_uring_register_buf_ring(3),
// Linux 5.19).
#pragma once

#include <liburing.h>

#include <algorithm>
#include <cstdint>
#include <memory>

#include "myra/core/error.hpp"
#include "myra/memory/buffer.hpp"

namespace myra::io {

struct buffer_ring_options {
  int group = 0;
  unsigned count = 0;  ///< A power of two.
  /// The kernel fills a buffer piece by piece, for whatever sockets, until it is full
  /// (IOU_PBUF_RING_INC, Linux 6.12).
  bool incremental = false;
  /// One completion may stand for several buffers (IORING_RECVSEND_BUNDLE, Linux 6.10).
  bool bundles = false;
};

/// Buffer ids are slot indices of the pool. What lies in the ring is the kernel's; `take` makes it
/// the application's.
class alignas(cache_line_size) buffer_ring {
 public:
  /// The ring is empty until it is wanted.
  [[nodiscard]] static opened<std::unique_ptr<buffer_ring>> open(
      io_uring& on, buffer_pool& pool, const buffer_ring_options& options);
  /// The ring behind it must be idle. Slots that still lie in it go back to the pool.
  ~buffer_ring();
  buffer_ring(const buffer_ring&) = delete;
  buffer_ring& operator=(const buffer_ring&) = delete;

  /// From now on it is kept as full as turns need it.
  void want() noexcept {
    if (wanted_ != 0) return;
    // A multishot receive of bundles ends whenever it has looked at all that lay ready.
    wanted_ = options_.bundles ? options_.count : std::min(options_.count, wanted_at_first);
    add_missing();
  }
  /// Once a turn: puts in free slots in place of those that were used, as far as the pool has any.
  void refill() noexcept {
    if (in_ring_ >= wanted_) return;
    adapt();
    if (in_ring_ < wanted_) add_missing();
  }

  /// Buffers in the ring that the kernel has not used up, as far as completions have told.
  [[nodiscard]] unsigned ready_count() const noexcept { return in_ring_; }

  /// Of each buffer.
  [[nodiscard]] std::uint32_t size_bytes() const noexcept { return pool_.slot_size_bytes(); }
  [[nodiscard]] const buffer_ring_options& options() const noexcept { return options_; }

  /// A completion may stand for less or more than one buffer: `take_parts` and not `take`.
  [[nodiscard]] bool parted() const noexcept { return parted_; }

  /// The kernel used this buffer.
  [[nodiscard]] buffer take(unsigned id, std::uint32_t size) noexcept {
    --in_ring_;
    return pool_.from_kernel(id, size);
  }

  /// What a completion with a buffer brought, in order: `each(buffer&& part, bool last, bool
  /// fills)`, where a part that fills has used up its buffer. A part is empty where nothing was
  /// brought, or where memory for it is short. False, and nothing is taken:
  /// the kernel says that it filled buffers which are not the next of the ring.
  template <class Each>
  [[nodiscard]] bool take_parts(const io_uring_cqe& cqe, Each each) noexcept {
    unsigned id = cqe.flags >> IORING_CQE_BUFFER_SHIFT;
    if (in_ring_ == 0 || id != next_id()) return false;
    auto left = static_cast<std::uint32_t>(std::max(cqe.res, 0));
    const bool kept_by_kernel = (cqe.flags & IORING_CQE_F_BUF_MORE) != 0;
    for (bool last = false; !last; id = next_id()) {
      const std::uint32_t room = room_of(id);
      const std::uint32_t size = std::min(left, room);
      left -= size;
      last = left == 0;
      each(take_part(id, size, last && kept_by_kernel), last, size == room);
      if (!last && in_ring_ == 0) return false;
    }
    return true;
  }

 private:
  static constexpr unsigned wanted_at_first = 8;

  buffer_ring(io_uring& on, buffer_pool& pool, const buffer_ring_options& options) noexcept
      : uring_(on),
        pool_(pool),
        options_(options),
        parted_(options.incremental || options.bundles) {}
  void adapt() noexcept;
  void add_missing() noexcept;
  /// Of the buffer that the kernel is to use next: what was added and not taken lies between its
  /// head and our tail, in the order in which it was added.
  [[nodiscard]] unsigned next_id() const noexcept {
    return memory_->bufs[(memory_->tail - in_ring_) & (options_.count - 1)].bid;
  }
  [[nodiscard]] std::uint32_t room_of(unsigned id) const noexcept {
    const slot& filled = pool_.at(id);
    return options_.incremental ? filled.room - filled.size : filled.room;
  }
  [[nodiscard]] buffer take_part(unsigned id, std::uint32_t size, bool kept_by_kernel) noexcept;

  io_uring& uring_;
  buffer_pool& pool_;
  io_uring_buf_ring* memory_ = nullptr;
  const buffer_ring_options options_;
  const bool parted_;
  /// The kernel takes from the ring in turn, so that all that lies in it goes through the cache,
  /// however little is used at a time. So there lies no more in it than turns use.
  unsigned wanted_ = 0;
  unsigned calm_turns_ = 0;  ///< In a row, that used little of it.
  unsigned in_ring_ = 0;
};

}  // namespace myra::io
