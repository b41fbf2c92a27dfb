// A reactor's memory: slots of one size, handed out as move-only buffers.
//
// Every slot has one owner at a time: the pool (free), the application (a `buffer` stands for it)
// or the kernel (it lies in a provided-buffer ring, or a send reads it). The pool knows which and,
// in debug builds, asserts each hand-over.
//
// Thread safety: everything belongs to the thread that opened the pool or last called
// `adopt_thread`, but for what becomes of a buffer, which any thread may release or send: the slot
// then comes home on a list that runs through the slots themselves, so that it can never be full.
#pragma once

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "myra/core/bytes.hpp"
#include "myra/core/cache_line.hpp"
#include "myra/core/error.hpp"
#include "myra/core/result.hpp"

namespace myra {

class buffer;
class buffer_pool;

enum class slot_owner : std::uint8_t {
  pool,
  application,
  kernel,
  kernel_elsewhere,  ///< A send of another thread reads it, which the pool does not count.
};

/// The pool's record of one slot, or of a piece of one: bytes that the kernel put behind others
/// into the same slot, which somebody owns apart from those. A slot that was cut in pieces comes
/// home when the kernel has left it and all its pieces are back. `data` and `size` are the window
/// that a send queue keeps in it; while the kernel fills a slot piece by piece, `size` is how far
/// it has come.
struct slot {
  slot* next =
      nullptr;  ///< The free list, the way home, or a send queue: a slot is in one of them.
  buffer_pool* pool = nullptr;
  std::byte* memory = nullptr;  ///< Its first byte.
  std::byte* data = nullptr;
  slot* whole = nullptr;  ///< Of a piece: the slot that it lies in.
  std::uint32_t size = 0;
  std::uint32_t room = 0;         ///< Its bytes: the pool's slot_size_bytes, or those of the piece.
  std::uint32_t index = 0;        ///< 0 .. slot_count_max - 1; the buffer id that the kernel sees.
  std::uint32_t piece_count = 0;  ///< Pieces of it that somebody owns.
  slot_owner owner = slot_owner::pool;
  /// Of a send queue: what the sender wished for this slot. Nobody else looks at it.
  std::uint8_t wish = 0;
  std::uint16_t region = 0;  ///< Of the pool's memory, in which the slot lies.
  /// For an owner that puts several things into one slot: how many are left. The pool does not look
  /// at it.
  std::uint32_t holder_count = 0;
};

struct pool_options {
  /// Usable bytes of a slot: 64 to 1 MiB, a multiple of 64.
  std::uint32_t slot_size_bytes = 16 * 1024;
  /// Slots made at the start; more are made as they are needed.
  std::uint32_t slot_count_initial = 512;
  /// No more than this; then acquire() says no. At most 32,768, which is the most that one buffer
  /// ring holds.
  std::uint32_t slot_count_max = 16 * 1024;
  /// Ask for huge pages (mmap(2), MAP_HUGETLB), else for transparent ones (madvise(2),
  /// MADV_HUGEPAGE).
  bool huge_pages = false;
};

/// Names the first field that is out of bounds, what was found and what is allowed; nothing when
/// all are right.
[[nodiscard]] std::string check(const pool_options& options);

/// What the memory of a pool is made of.
enum class page_kind : std::uint8_t {
  ordinary,
  transparent_huge,  ///< The kernel accepted the wish for huge pages; it uses them where and when
                     ///< it can.
  huge,              ///< All of it, from the start.
};

class buffer_pool {
 public:
  struct retire;
  using owner = std::unique_ptr<buffer_pool, retire>;

  /// Errors: invalid (see `check`), resource_exhausted when mmap(2) says no.
  [[nodiscard]] static result<owner> open(const pool_options& options);
  /// A pool of another kind: one area of memory that somebody else fills where he likes (a network
  /// card, the kernel). It has no slots of its own and nothing to acquire, but windows
  /// (`from_area`), which come home like slots and wait there for who fills it
  /// (`take_returned`). `size_bytes`: whole pages. Errors: resource_exhausted.
  [[nodiscard]] static result<owner> open_area(std::size_t size_bytes, bool huge_pages);

  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  /// A whole free slot, or an empty buffer when the pool is at its limit. O(1), no allocation once
  /// warm.
  [[nodiscard]] buffer acquire() noexcept;

  /// Slots come home from other threads in between; this takes them in. Called by the loop once a
  /// turn.
  void collect() noexcept {
    // Ordered after `want_homecoming`: either this sees the slot or its releaser sees the wish.
    if (homecoming_.load(std::memory_order_seq_cst) != nullptr) take_home();
  }

  /// From now on the calling thread owns the pool.
  void adopt_thread() noexcept {
    if (!is_here()) thread_.store(__builtin_thread_pointer(), std::memory_order_relaxed);
  }

  /// Called on a releasing thread, at most once per call of `want_homecoming`, when a slot is on
  /// its way home.
  void on_homecoming(void (*call)(void* context) noexcept, void* context) noexcept;
  /// The loop waits for a buffer: the next release from another thread calls `on_homecoming`.
  void want_homecoming() noexcept;

  /// Takes a slot for the kernel, for a buffer ring; null at the limit. Comes back with
  /// `from_kernel` or `reclaim`.
  [[nodiscard]] slot* lend_to_kernel() noexcept {
    slot* taken = pop_free();
    if (taken == nullptr) return nullptr;
    move(*taken, slot_owner::pool, slot_owner::kernel, "lent to the kernel while not free");
    unpoison(*taken);
    ++kernel_count_;
    return taken;
  }
  /// The same for `most` slots, or as many as there are: `each(slot&)`. Returns how many.
  template <class Each>
  unsigned lend_to_kernel(unsigned most, Each each) noexcept {
    if (free_count_ < most) find_free(most);
    const unsigned lent = std::min(most, free_count_);
    for (unsigned i = 0; i < lent; ++i) {
      slot& taken = *free_;
      free_ = taken.next;
      move(taken, slot_owner::pool, slot_owner::kernel, "lent to the kernel while not free");
      unpoison(taken);
      each(taken);
    }
    free_count_ -= lent;
    kernel_count_ += lent;
    return lent;
  }
  /// The kernel filled the first `size` bytes of slot `index`: they are the application's now.
  [[nodiscard]] buffer from_kernel(std::uint32_t index, std::uint32_t size) noexcept;
  /// The kernel put `size` bytes behind what it had put into slot `index` before: they are the
  /// application's now. Of no bytes, or when memory is short, an empty buffer.
  [[nodiscard]] buffer piece_from_kernel(std::uint32_t index, std::uint32_t size) noexcept;
  /// The kernel puts no more into a slot that was cut in pieces: it comes home with the last of
  /// them.
  void end_pieces(slot& filled) noexcept;
  /// Of an area: `size` bytes at `offset` were filled and are the application's now. An empty
  /// buffer: no memory for its record, and the bytes are still who filled them's.
  [[nodiscard]] buffer from_area(std::size_t offset, std::uint32_t size) noexcept;
  /// Of an area: calls `each(offset, size)` for windows that came home, `most` of them at most.
  template <class Each>
  void take_returned(std::uint32_t most, Each each) noexcept {
    for (; most != 0 && returned_windows_ != nullptr; --most) {
      slot& window = *returned_windows_;
      returned_windows_ = window.next;
      --returned_window_count_;
      each(static_cast<std::size_t>(window.memory - region_bytes(0).data()), window.room);
      window.next = free_pieces_;
      free_pieces_ = &window;
    }
  }
  /// Of an area: windows that came home and were not taken.
  [[nodiscard]] std::uint32_t returned_window_count() const noexcept {
    return returned_window_count_;
  }
  /// The kernel's hold of the slot ended, and nobody else wants it. The thread that gave it.
  void reclaim(slot& returned) noexcept {
    if (returned.owner == slot_owner::kernel_elsewhere) [[unlikely]] {
      returned.owner = slot_owner::application;
      return release(returned);
    }
    move(returned, slot_owner::kernel, slot_owner::pool,
         "reclaimed from the kernel, which did not have it");
    --kernel_count_;
    put_back(returned);
  }

  /// Gives back a slot that the application owns; `buffer` does this by itself. Any thread.
  void release(slot& returned) noexcept {
    expect(returned, slot_owner::application,
           returned.owner == slot_owner::pool ? "released twice" : "released while in flight");
    if (!is_here()) return send_home(returned);
    returned.owner = slot_owner::pool;
    put_back(returned);
  }
  /// Application to kernel (a send reads it) and back. Any thread, the same for both.
  void hand_to_kernel(slot& lent) noexcept {
    const bool counted = is_here();
    move(lent, slot_owner::application, counted ? slot_owner::kernel : slot_owner::kernel_elsewhere,
         "handed to the kernel by one who did not own it");
    if (counted) ++kernel_count_;
  }
  void take_from_kernel(slot& returned) noexcept {
    if (returned.owner == slot_owner::kernel_elsewhere) [[unlikely]] {
      returned.owner = slot_owner::application;
      return;
    }
    move(returned, slot_owner::kernel, slot_owner::application,
         "taken from the kernel, which did not have it");
    --kernel_count_;
  }

  [[nodiscard]] std::uint32_t slot_size_bytes() const noexcept { return options_.slot_size_bytes; }
  [[nodiscard]] std::uint32_t slot_count() const noexcept {
    return static_cast<std::uint32_t>(slots_.size());
  }
  [[nodiscard]] std::uint32_t slot_count_max() const noexcept { return options_.slot_count_max; }
  [[nodiscard]] std::uint32_t free_count() const noexcept { return free_count_; }
  /// What acquire() could still give: the free slots, and those that are not made yet unless the
  /// kernel has just refused their memory.
  [[nodiscard]] std::uint32_t obtainable_count() const noexcept {
    const bool refused = refused_at_ == returned_count_;
    return free_count_ + (refused ? 0 : slot_count_max() - slot_count());
  }
  /// Whether acquire() gives so many, one after the other; makes what is missing, unless the limit
  /// does not allow for so many.
  [[nodiscard]] bool reserve(std::uint32_t count) noexcept {
    if (free_count_ >= count) return true;
    return count <= free_count_ + (slot_count_max() - slot_count()) && find_free(count);
  }
  /// After a refusal: it may have memory again. So it is taken to have whenever a slot came back.
  void forget_refusal() noexcept { refused_at_ = never_refused; }
  /// Slots that came back to the pool, ever.
  [[nodiscard]] std::uint64_t returned_count() const noexcept { return returned_count_; }
  /// Slots that the kernel holds, in rings and sends.
  [[nodiscard]] std::uint32_t kernel_count() const noexcept { return kernel_count_; }
  /// Slots and pieces that the application holds, as far as this thread knows, and slots that only
  /// their pieces keep, or sends of other threads.
  [[nodiscard]] std::uint32_t application_count() const noexcept {
    return slot_count() + piece_count_ - free_count_ - kernel_count_;
  }
  /// Pieces, or windows of an area, that somebody owns.
  [[nodiscard]] std::uint32_t piece_count() const noexcept { return piece_count_; }
  /// The least of what its parts are made of; `ordinary` before the first.
  [[nodiscard]] page_kind pages() const noexcept { return pages_; }
  [[nodiscard]] slot& at(std::uint32_t index) noexcept { return *slots_[index]; }

  /// The slots lie in regions of memory, made as the pool grows and kept until its end, for those
  /// who register memory with the kernel: how many there are and may become, and their bytes.
  [[nodiscard]] std::uint32_t region_count() const noexcept {
    return static_cast<std::uint32_t>(regions_.size());
  }
  [[nodiscard]] std::uint32_t region_count_max() const noexcept;
  [[nodiscard]] mutable_byte_view region_bytes(std::uint32_t index) const noexcept;

 private:
  struct region;

  explicit buffer_pool(const pool_options& options) noexcept;
  ~buffer_pool();

  [[nodiscard]] bool is_here() const noexcept {
    return thread_.load(std::memory_order_relaxed) == __builtin_thread_pointer();
  }
  [[nodiscard]] std::uint32_t region_slot_count() const noexcept;
  [[nodiscard]] bool grow() noexcept;
  [[nodiscard]] slot* pop_free() noexcept {
    if (free_ == nullptr && !find_free(1)) return nullptr;
    slot* taken = free_;
    free_ = taken->next;
    --free_count_;
    return taken;
  }
  void push_free(slot& freed) noexcept {
    freed.next = free_;
    free_ = &freed;
    ++free_count_;
    ++returned_count_;
  }
  void put_back(slot& returned) noexcept {
    if (careful_) [[unlikely]]
      return put_back_carefully(returned);
    push_free(returned);
  }
  void put_back_carefully(slot& returned) noexcept;
  void put_back_piece(slot& piece) noexcept;
  void put_back_window(slot& window) noexcept;
  [[nodiscard]] slot* free_piece() noexcept;
  /// Whether so many are free now: those that come home, and new ones, counted.
  bool find_free(std::uint32_t wanted) noexcept;
  void take_home() noexcept;
  void send_home(slot& returned) noexcept;

  [[noreturn]] static void misused(const slot& found, const char* mistake) noexcept;
  static void expect([[maybe_unused]] const slot& found, [[maybe_unused]] slot_owner owner,
                     [[maybe_unused]] const char* mistake) noexcept {
#ifndef NDEBUG
    if (found.owner != owner) misused(found, mistake);
#endif
  }
  static void move(slot& moved, slot_owner from, slot_owner to, const char* mistake) noexcept {
    expect(moved, from, mistake);
    moved.owner = to;
  }

  static void poison_bytes(const slot& freed) noexcept;
  static void unpoison_bytes(const slot& used) noexcept;
  void unpoison(const slot& used) const noexcept {
    if (poisons_) unpoison_bytes(used);
  }

  pool_options options_;
  /// A free slot's bytes are made unusable where that can be seen: debug builds and
  /// AddressSanitizer. Known at run time, so that a program and the library may be built
  /// differently.
  const bool poisons_;
  bool careful_;  ///< It poisons, or there are pieces or windows.
  bool is_area_ = false;
  std::atomic<void*> thread_{nullptr};
  slot* free_ = nullptr;
  std::uint32_t free_count_ = 0;
  std::uint32_t kernel_count_ = 0;
  std::uint64_t returned_count_ = 0;
  static constexpr std::uint64_t never_refused = ~std::uint64_t{0};
  std::uint64_t refused_at_ = never_refused;  ///< How many had returned then.
  page_kind pages_ = page_kind::ordinary;
  std::vector<slot*> slots_;
  std::vector<std::unique_ptr<region>> regions_;
  slot* free_pieces_ = nullptr;
  std::uint32_t piece_count_ = 0;
  std::vector<std::unique_ptr<slot[]>> piece_records_;
  slot* returned_windows_ = nullptr;
  std::uint32_t returned_window_count_ = 0;
  void (*home_call_)(void*) noexcept = nullptr;
  void* home_context_ = nullptr;
  alignas(cache_line_size) std::atomic<slot*> homecoming_{nullptr};
  std::atomic<bool> wanted_{false};
  std::atomic<std::uint32_t> returning_{0};
};

/// Ends a pool. A buffer that is still out then is a bug: debug builds assert, release builds leave
/// the memory mapped.
struct buffer_pool::retire {
  void operator()(buffer_pool* pool) const noexcept;
};

}  // namespace myra
