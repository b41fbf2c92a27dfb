// A provided-buffer ring and its memory, for the raw io_uring programs of this folder.
#pragma once

#include "command_line.hpp"

#include <liburing.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

namespace myra::bench {

/// One thread: the one that owns the ring. `count` is a power of two, at most 32768.
class buffer_ring {
 public:
  static constexpr int group = 0;

  buffer_ring(io_uring& ring, std::uint32_t count, std::uint32_t size) : size_(size) {
    // Buffers a power of two apart would all fall into the same few sets of the caches.
    stride_ = (size + 63U) / 64U * 64U + 64U;
    const std::size_t bytes = stride_ * count;
    void* const memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) fail_system("mmap", errno);
    memory_ = static_cast<char*>(memory);
    int error = 0;
    ring_ = io_uring_setup_buf_ring(&ring, count, group, 0, &error);
    if (ring_ == nullptr) fail_system("io_uring_setup_buf_ring", -error);
    mask_ = io_uring_buf_ring_mask(count);
    for (std::uint32_t i = 0; i < count; ++i) give_back(static_cast<std::uint16_t>(i));
    publish();
  }

  char* data(std::uint16_t buffer) const { return memory_ + stride_ * buffer; }

  /// The kernel sees buffers that were given back from the next `publish` on.
  void give_back(std::uint16_t buffer) {
    io_uring_buf_ring_add(ring_, data(buffer), size_, buffer, mask_, unpublished_++);
  }

  void publish() {
    if (unpublished_ == 0) return;
    io_uring_buf_ring_advance(ring_, unpublished_);
    unpublished_ = 0;
  }

 private:
  io_uring_buf_ring* ring_ = nullptr;
  char* memory_ = nullptr;
  std::size_t stride_ = 0;
  std::uint32_t size_;
  int mask_ = 0;
  int unpublished_ = 0;
};

inline std::uint16_t buffer_of(std::uint32_t cqe_flags) {
  return static_cast<std::uint16_t>(cqe_flags >> IORING_CQE_BUFFER_SHIFT);
}

}  // namespace myra::bench
