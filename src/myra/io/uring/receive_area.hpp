// Zero-copy receive (IORING_REGISTER_ZCRX_IFQ, Linux 6.15): an area of memory that a network card,
// or in its place the kernel, fills; completions that say where (IORING_OP_RECV_ZC); and a ring by
// which it gets back what was read (the refill ring).
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <string>

#include "myra/io/backend.hpp"
#include "myra/io/operation.hpp"
#include "myra/io/zero_copy_receive.hpp"
#include "myra/memory/buffer_pool.hpp"

namespace myra::io {

class receive_area {
 public:
  /// Registers the area; the ring has deferred task running and completions of 32 bytes, all or
  /// some. Errors: the report says what is in the way: permission_denied (CAP_NET_ADMIN), no such
  /// interface or queue, a driver or kernel that cannot, RLIMIT_MEMLOCK.
  [[nodiscard]] static opened<std::unique_ptr<receive_area>> open(
      io_uring& on, const zero_copy_receive_options& options);
  /// After the ring's end.
  ~receive_area();
  receive_area(const receive_area&) = delete;
  receive_area& operator=(const receive_area&) = delete;

  /// Whether this receive, in flight or ended, was armed by `prepare`.
  [[nodiscard]] static bool serves(const operation& receive) noexcept {
    return (receive.backend_index & served_mark) != 0;
  }
  void prepare(io_uring_sqe* entry, receive_operation& receive) const noexcept;
  /// What a completion with bytes brought. Empty: no memory for its record; the bytes are lost.
  [[nodiscard]] buffer take(const io_uring_cqe& cqe) noexcept;
  /// A completion brought so many bytes; when it was armed for no more, it ends with zero, as at
  /// the end of the stream.
  static void count(operation& receive, std::int32_t size) noexcept {
    receive.backend_index -= static_cast<std::uint32_t>(size);
  }
  [[nodiscard]] static bool had_its_share(const operation& receive) noexcept {
    return receive.backend_index == served_mark;
  }

  /// Once a turn: what came home goes back to who fills it.
  void refill() noexcept;

  /// A receive found no page. It is told apart by its state, `queued`, until it is armed again.
  void keep_waiting(operation& starved) noexcept;
  /// The same for one that has waited before, or that found the completion queue full.
  void wait_on(operation& starved) noexcept;
  /// Without a device: the kernel has used all pages that it had, since the last refill.
  [[nodiscard]] bool took_last_page() const noexcept { return !has_device_ && pages_left_ == 0; }
  [[nodiscard]] bool has_waiting() const noexcept { return waiting_first_ != nullptr; }
  /// Takes all that wait, as a list by `backend_next`.
  [[nodiscard]] operation* take_waiting() noexcept;
  /// How many of them may find a page now.
  [[nodiscard]] std::uint32_t servable_count() const noexcept;
  /// Somebody waits, and nothing will come home and tell of a page, as no window is with us: a card
  /// or another ring has them all. To try now and then is all that is left.
  [[nodiscard]] bool hopeless() const noexcept;

  [[nodiscard]] buffer_pool& pool() noexcept { return *pool_; }
  [[nodiscard]] const std::string& description() const noexcept { return description_; }
  /// Somebody waits for room in the completion queue; until nobody waits any more.
  void note_full_queue() noexcept {
    ++counters_.queue_full;
    crowded_ = true;
  }
  void note_served() noexcept { crowded_ = crowded_ && has_waiting(); }
  /// Copies by the kernel are what it tells (Linux 7.2); where it does not, all that the mode
  /// without a device brought.
  void count_into(zero_copy_receive_counters& to) const noexcept;

 private:
  /// In `backend_index`: it is ours, and below the mark how many bytes it may still bring.
  static constexpr std::uint32_t served_mark = std::uint32_t{1} << 31;

  struct kernel_statistics;

  receive_area(io_uring& on, const zero_copy_receive_options& options) noexcept;
  void describe_as(const zero_copy_receive_options& options);
  [[nodiscard]] int map_refill_ring() noexcept;
  [[nodiscard]] int register_all(std::uint32_t interface_index, bool with_statistics) noexcept;
  [[nodiscard]] std::uint32_t queued_count() const noexcept {
    return refill_tail_ - io_uring_smp_load_acquire(refill_head_);
  }
  void push_refill(std::size_t offset, std::uint32_t size) noexcept;
  void give_back() noexcept;
  [[nodiscard]] bool wants_flush() const noexcept;
  void flush() noexcept;

  io_uring& uring_;
  const bool has_device_;
  const std::uint32_t queue_;
  buffer_pool::owner pool_;
  std::byte* refill_memory_ = nullptr;
  std::size_t refill_memory_bytes_ = 0;
  std::uint32_t refill_entries_ = 0;
  std::uint32_t refill_tail_ = 0;
  std::uint32_t* refill_head_ = nullptr;
  std::uint32_t* refill_kernel_tail_ = nullptr;
  io_uring_zcrx_rqe* refills_ = nullptr;
  std::uint64_t token_ = 0;  ///< Of the area, as refills name it.
  std::uint32_t id_ = 0;
  std::uint32_t page_count_ = 0;
  std::uint32_t share_bytes_ = 0;            ///< No receive is armed for more.
  kernel_statistics* statistics_ = nullptr;  ///< Null: the kernel tells nothing.
  operation* waiting_first_ = nullptr;
  operation* waiting_last_ = nullptr;
  std::uint64_t served_until_ = 0;  ///< Windows that had come home when somebody was last served.
  bool crowded_ = false;
  bool failed_in_vain_ = false;   ///< The last failure came though all that was ours was home.
  std::uint32_t pages_left_ = 0;  ///< Without a device: with the kernel, at the last refill.
  zero_copy_receive_counters counters_;
  std::string description_;
};

/// Tries the mode without a device on a small ring of its own. Errors: as receive_area::open.
[[nodiscard]] opened<void> try_zero_copy_receive();

}  // namespace myra::io
