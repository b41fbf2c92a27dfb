#include "myra/io/uring/buffer_ring.hpp"

namespace myra::io {

opened<std::unique_ptr<buffer_ring>> buffer_ring::open(io_uring& on, buffer_pool& pool,
                                                       const buffer_ring_options& options) {
  std::unique_ptr<buffer_ring> made(new buffer_ring(on, pool, options));
  int status = 0;
  made->memory_ = io_uring_setup_buf_ring(&on, options.count, options.group,
                                          options.incremental ? IOU_PBUF_RING_INC : 0, &status);
  if (made->memory_ == nullptr)
    return report(kernel_error(status), "a ring of " + std::to_string(options.count) +
                                            " receive buffers cannot be registered (needs Linux " +
                                            (options.incremental ? "6.12" : "5.19") +
                                            ", and RLIMIT_MEMLOCK for its pages)");
  return made;
}

buffer_ring::~buffer_ring() {
  if (memory_ == nullptr) return;
  for (; in_ring_ != 0; --in_ring_) {
    slot& left = pool_.at(next_id());
    if (options_.incremental)
      pool_.end_pieces(left);
    else
      pool_.reclaim(left);
  }
  io_uring_free_buf_ring(&uring_, memory_, options_.count, options_.group);
}

/// A turn that used up more than three quarters doubles what lies ready, many in a row that used
/// less than an eighth halve it: the ring neither runs dry nor swings.
void buffer_ring::adapt() noexcept {
  constexpr unsigned calm_turns_max = 1024;
  if (options_.bundles) return;
  const unsigned used = wanted_ - in_ring_;
  if (used > wanted_ - wanted_ / 4) {
    wanted_ = std::min(2 * wanted_, options_.count);
    calm_turns_ = 0;
  } else if (used >= wanted_ / 8 || wanted_ <= wanted_at_first) {
    calm_turns_ = 0;
  } else if (++calm_turns_ == calm_turns_max) {
    wanted_ /= 2;
    calm_turns_ = 0;
  }
}

void buffer_ring::add_missing() noexcept {
  io_uring_buf* const places = memory_->bufs;
  const unsigned mask = options_.count - 1;
  const std::uint32_t size = pool_.slot_size_bytes();
  unsigned tail = memory_->tail;
  // As io_uring_buf_ring_add(3) would, with the tail read once.
  const unsigned added = pool_.lend_to_kernel(wanted_ - in_ring_, [&](slot& free) noexcept {
    free.size = 0;
    io_uring_buf& place = places[tail++ & mask];
    place.addr = reinterpret_cast<std::uintptr_t>(free.memory);
    place.len = size;
    place.bid = static_cast<std::uint16_t>(free.index);
  });
  in_ring_ += added;
  if (added != 0) io_uring_buf_ring_advance(memory_, static_cast<int>(added));
}

buffer buffer_ring::take_part(unsigned id, std::uint32_t size, bool kept_by_kernel) noexcept {
  if (!options_.incremental) return take(id, size);
  buffer part = pool_.piece_from_kernel(id, size);
  slot& filled = pool_.at(id);
  if (kept_by_kernel && filled.size < filled.room) return part;
  --in_ring_;
  pool_.end_pieces(filled);
  return part;
}

}  // namespace myra::io
