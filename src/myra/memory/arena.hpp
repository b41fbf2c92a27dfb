// The memory of one request: taken piece by piece, given back in one step.
//
// A handler that needs memory which lives as long as its request makes an `arena` beside it and
// hands it to std::pmr containers. Nothing is given back until the arena is reset or destroyed; its
// blocks then go to the pool that they came from, and the next request uses them again: once warm,
// a request allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <string>

namespace myra {

struct arena_options {
  /// What an arena takes from its pool at a time: 256 bytes to 1 MiB.
  std::uint32_t block_size_bytes = 16 * 1024;
  /// Free blocks that the pool keeps; more are freed.
  std::uint32_t kept_count_max = 64;
};

/// Names the first field that is out of bounds, what was found and what is allowed; nothing when
/// all are right.
[[nodiscard]] std::string check(const arena_options& options);

/// The blocks that arenas take and give back. Of one thread, like the arenas; outlives them.
class arena_pool {
 public:
  /// `options` pass check(), or it asserts.
  explicit arena_pool(const arena_options& options = {}) noexcept;
  arena_pool(const arena_pool&) = delete;
  arena_pool& operator=(const arena_pool&) = delete;
  /// Asserts that every arena is gone.
  ~arena_pool();

  [[nodiscard]] std::uint32_t block_size_bytes() const noexcept {
    return options_.block_size_bytes;
  }
  /// Blocks that arenas hold.
  [[nodiscard]] std::uint32_t in_use_count() const noexcept { return in_use_count_; }
  /// Blocks that wait for the next arena.
  [[nodiscard]] std::uint32_t kept_count() const noexcept { return kept_count_; }
  /// How often memory was asked of the heap: for a block, or for a piece that fits in none.
  [[nodiscard]] std::uint64_t heap_allocation_count() const noexcept {
    return heap_allocation_count_;
  }

 private:
  friend class arena;

  /// Begins every block, and every piece that has memory of its own.
  struct header {
    header* next = nullptr;
  };

  [[nodiscard]] header* take_block();
  void give_back(header* block) noexcept;

  arena_options options_;
  header* kept_ = nullptr;
  std::uint32_t kept_count_ = 0;
  std::uint32_t in_use_count_ = 0;
  std::uint64_t heap_allocation_count_ = 0;
};

/// A monotonic resource for std::pmr: `allocate` moves a pointer, `deallocate` does nothing. Takes
/// no block before it is asked for memory. A piece larger than half a block comes from the heap,
/// and goes with the others. Throws std::bad_alloc where the heap does.
class arena final : public std::pmr::memory_resource {
 public:
  explicit arena(arena_pool& pool) noexcept : pool_(pool) {}
  arena(const arena&) = delete;
  arena& operator=(const arena&) = delete;
  ~arena() override { reset(); }

  /// Gives everything back. What was allocated is gone: no destructor of it runs.
  void reset() noexcept;

  /// What was asked for since the last reset, without what alignment took.
  [[nodiscard]] std::size_t used_bytes() const noexcept { return used_bytes_; }

 private:
  using header = arena_pool::header;

  void* do_allocate(std::size_t size, std::size_t alignment) override;
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  [[nodiscard]] bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
    return this == &other;
  }

  [[nodiscard]] void* take(std::size_t size, std::size_t alignment) noexcept;
  [[nodiscard]] void* allocate_alone(std::size_t size, std::size_t alignment);
  void open_block();

  arena_pool& pool_;
  std::byte* at_ = nullptr;     ///< The first free byte of the newest block.
  std::byte* limit_ = nullptr;  ///< Its end.
  header* blocks_ = nullptr;
  header* alone_ = nullptr;  ///< The pieces with memory of their own.
  std::size_t used_bytes_ = 0;
};

}  // namespace myra
