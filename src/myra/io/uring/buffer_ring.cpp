#include "myra/io/uring/buffer_ring.hpp"

namespace myra::io {

opened<std::unique_ptr<buffer_ring>> buffer_ring::open(io_uring& on, buffer_pool& pool,
                                                       unsigned count) {
  std::unique_ptr<buffer_ring> made(new buffer_ring(on, pool, count));
  int status = 0;
  made->memory_ = io_uring_setup_buf_ring(&on, count, group, 0, &status);
  if (made->memory_ == nullptr)
    return report(kernel_error(status), "a ring of " + std::to_string(count) +
                                            " receive buffers cannot be registered (needs Linux "
                                            "5.19, and RLIMIT_MEMLOCK for its pages)");
  made->refill();
  return made;
}

buffer_ring::~buffer_ring() {
  if (memory_ == nullptr) return;
  // What was added and not taken lies between the kernel's head and our tail.
  const int mask = io_uring_buf_ring_mask(count_);
  const unsigned tail = memory_->tail;
  for (unsigned at = tail - in_ring_; at != tail; ++at)
    pool_.reclaim(pool_.at(memory_->bufs[at & static_cast<unsigned>(mask)].bid));
  io_uring_free_buf_ring(&uring_, memory_, count_, group);
}

void buffer_ring::add_missing() noexcept {
  const int mask = io_uring_buf_ring_mask(count_);
  int added = 0;
  while (in_ring_ < count_) {
    slot* free = pool_.lend_to_kernel();
    if (free == nullptr) break;
    io_uring_buf_ring_add(memory_, free->memory, pool_.slot_size_bytes(),
                          static_cast<unsigned short>(free->index), mask, added++);
    ++in_ring_;
  }
  if (added != 0) io_uring_buf_ring_advance(memory_, added);
}

}  // namespace myra::io
