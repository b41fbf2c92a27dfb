// The ring of buffers that the kernel takes from when it receives (io_uring_register_buf_ring(3),
// Linux 5.19).
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>

#include "myra/core/error.hpp"
#include "myra/memory/buffer.hpp"

namespace myra::io {

/// Buffer ids are slot indices of the pool. What lies in the ring is the kernel's; `take` makes it
/// the application's.
class alignas(cache_line_size) buffer_ring {
 public:
  static constexpr int group = 0;

  [[nodiscard]] static opened<std::unique_ptr<buffer_ring>> open(io_uring& on, buffer_pool& pool,
                                                                 unsigned count);
  /// The ring behind it must be idle. Slots that still lie in it go back to the pool.
  ~buffer_ring();
  buffer_ring(const buffer_ring&) = delete;
  buffer_ring& operator=(const buffer_ring&) = delete;

  /// Puts free slots into the ring until it is full or the pool is at its limit.
  void refill() noexcept {
    if (in_ring_ < count_) add_missing();
  }

  /// Buffers in the ring that the kernel has not used, as far as completions have told.
  [[nodiscard]] unsigned ready_count() const noexcept { return in_ring_; }

  /// Of each buffer.
  [[nodiscard]] std::uint32_t size_bytes() const noexcept { return pool_.slot_size_bytes(); }

  /// The kernel used this buffer.
  [[nodiscard]] buffer take(unsigned id, std::uint32_t size) noexcept {
    --in_ring_;
    return pool_.from_kernel(id, size);
  }

 private:
  buffer_ring(io_uring& on, buffer_pool& pool, unsigned count) noexcept
      : uring_(on), pool_(pool), count_(count) {}
  void add_missing() noexcept;

  io_uring& uring_;
  buffer_pool& pool_;
  io_uring_buf_ring* memory_ = nullptr;
  unsigned count_;
  unsigned in_ring_ = 0;
};

}  // namespace myra::io
