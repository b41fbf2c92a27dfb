#include "myra/memory/buffer_pool.hpp"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <new>

#include "myra/memory/buffer.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define MYRA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MYRA_ASAN 1
#endif
#endif
#ifdef MYRA_ASAN
#include <sanitizer/asan_interface.h>
#endif

namespace myra {
namespace {

#if defined(MYRA_ASAN) || !defined(NDEBUG)
constexpr bool poisoning = true;
#else
constexpr bool poisoning = false;
#endif

// Slots lie one cache line further apart than they are long: with a power of two for a stride the
// first lines of all slots, which is where small messages live, would share a handful of cache
// sets.
constexpr std::uint32_t colour_bytes = 64;
constexpr std::uint32_t slot_count_limit = 32 * 1024;
constexpr std::uint32_t slot_size_limit = 1024 * 1024;
constexpr std::size_t huge_page_bytes = std::size_t{2} * 1024 * 1024;

struct mapping {
  std::byte* memory = nullptr;
  std::size_t size = 0;
  page_kind pages = page_kind::ordinary;
};

std::byte* map_pages(std::size_t size, int flags) noexcept {
  flags |= MAP_PRIVATE | MAP_ANONYMOUS;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, flags, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
}

mapping map_ordinary(std::size_t size) noexcept {
  return {map_pages(size, MAP_NORESERVE), size, page_kind::ordinary};
}

/// Huge pages that are promised can still be missing at the first touch (control groups, memory
/// policies), which is then a SIGBUS. Touched here, it is an error. Kernels before 5.14 cannot be
/// asked (EINVAL) and are believed.
bool all_there(std::byte* memory, std::size_t size) noexcept {
  constexpr int populate_write = 23;  // MADV_POPULATE_WRITE, madvise(2)
  return ::madvise(memory, size, populate_write) == 0 || errno == EINVAL;
}

mapping map_huge(std::size_t size) noexcept {
  size = (size + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
  // Without MAP_NORESERVE, so that the kernel says no where there are none.
  if (std::byte* memory = map_pages(size, MAP_HUGETLB); memory != nullptr) {
    if (all_there(memory, size)) return {memory, size, page_kind::huge};
    ::munmap(memory, size);
  }
  mapping mapped = map_ordinary(size);
  if (mapped.memory != nullptr && ::madvise(mapped.memory, size, MADV_HUGEPAGE) == 0)
    mapped.pages = page_kind::transparent_huge;
  return mapped;
}

}  // namespace

struct buffer_pool::region {
  region(std::byte* start, std::size_t length, std::uint32_t count)
      : memory(start), size(length), records(make_line_array<slot>(count)) {}
  region(const region&) = delete;
  region& operator=(const region&) = delete;
  ~region() {
#ifdef MYRA_ASAN
    ASAN_UNPOISON_MEMORY_REGION(memory, size);
#endif
    ::munmap(memory, size);
  }

  std::byte* memory;
  std::size_t size;
  line_array<slot> records;
};

std::string check(const pool_options& options) {
  const auto complain = [](const char* field, std::uint32_t found, const char* allowed) {
    return std::string("pool.") + field + ": found " + std::to_string(found) + ", allowed " +
           allowed;
  };
  const std::uint32_t size = options.slot_size_bytes;
  if (size < 64 || size > slot_size_limit || size % 64 != 0)
    return complain("slot_size_bytes", size, "64 to 1048576 in steps of 64");
  if (options.slot_count_max == 0 || options.slot_count_max > slot_count_limit)
    return complain("slot_count_max", options.slot_count_max, "1 to 32768");
  if (options.slot_count_initial > options.slot_count_max)
    return complain("slot_count_initial", options.slot_count_initial, "at most slot_count_max");
  return {};
}

result<buffer_pool::owner> buffer_pool::open(const pool_options& options) {
  if (!check(options).empty()) return failure(std::make_error_code(std::errc::invalid_argument));
  owner pool(new buffer_pool(options));
  pool->slots_.reserve(options.slot_count_max);
  while (pool->slot_count() < options.slot_count_initial)
    if (!pool->grow()) return failure(std::make_error_code(std::errc::not_enough_memory));
  return pool;
}

result<buffer_pool::owner> buffer_pool::open_area(std::size_t size_bytes, bool huge_pages) {
  pool_options none;
  none.slot_count_initial = none.slot_count_max = 0;
  owner pool(new buffer_pool(none));
  pool->is_area_ = pool->careful_ = true;
  const mapping mapped = huge_pages ? map_huge(size_bytes) : map_ordinary(size_bytes);
  if (mapped.memory == nullptr) return failure(std::make_error_code(std::errc::not_enough_memory));
  pool->pages_ = mapped.pages;
  pool->regions_.push_back(std::make_unique<region>(mapped.memory, mapped.size, 0));
#ifdef MYRA_ASAN
  ASAN_POISON_MEMORY_REGION(mapped.memory, mapped.size);
#endif
  return pool;
}

buffer_pool::buffer_pool(const pool_options& options) noexcept
    : options_(options), poisons_(poisoning), careful_(poisoning) {
  adopt_thread();
}

buffer_pool::~buffer_pool() = default;

void buffer_pool::retire::operator()(buffer_pool* pool) const noexcept {
  pool->collect();
  // A slot is on the list a moment before its releaser is done with the pool.
  while (pool->returning_.load(std::memory_order_acquire) != 0) ::sched_yield();
  pool->collect();
  if (pool->free_count_ == pool->slot_count() && pool->piece_count_ == 0) {
    delete pool;
    return;
  }
#ifndef NDEBUG
  std::fprintf(stderr,
               "buffer pool: %u buffers held by the application and %u by the kernel at its end\n",
               pool->application_count(), pool->kernel_count());
  assert(false && "buffer pool ended before its buffers came home");
#endif
}

/// Of all regions but the last.
std::uint32_t buffer_pool::region_slot_count() const noexcept {
  return std::min(std::max(options_.slot_count_initial, 64U), 1024U);
}

std::uint32_t buffer_pool::region_count_max() const noexcept {
  const std::uint32_t each = region_slot_count();
  return (options_.slot_count_max + each - 1) / each;
}

mutable_byte_view buffer_pool::region_bytes(std::uint32_t index) const noexcept {
  return {regions_[index]->memory, regions_[index]->size};
}

bool buffer_pool::grow() noexcept {
  const std::uint32_t have = slot_count();
  const std::uint32_t count = std::min(options_.slot_count_max - have, region_slot_count());
  if (count == 0) return false;
  const std::size_t stride = options_.slot_size_bytes + colour_bytes;
  const mapping mapped =
      options_.huge_pages ? map_huge(stride * count) : map_ordinary(stride * count);
  if (mapped.memory == nullptr) {
    refused_at_ = returned_count_;
    return false;
  }
  try {
    regions_.reserve(regions_.size() + 1);  // so that nothing throws once the region owns the pages
    regions_.push_back(std::make_unique<region>(mapped.memory, mapped.size, count));
  } catch (const std::bad_alloc&) {
    ::munmap(mapped.memory, mapped.size);
    refused_at_ = returned_count_;
    return false;
  }
  pages_ = regions_.size() == 1 ? mapped.pages : std::min(pages_, mapped.pages);
  region& added = *regions_.back();
  for (std::uint32_t i = count; i-- > 0;) {
    slot& record = added.records[i];
    record.pool = this;
    record.memory = added.memory + i * stride;
    record.region = static_cast<std::uint16_t>(regions_.size() - 1);
    record.room = options_.slot_size_bytes;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    added.records[i].index = have + i;
    slots_.push_back(&added.records[i]);  // reserved in open()
#ifdef MYRA_ASAN
    ASAN_POISON_MEMORY_REGION(added.records[i].memory, stride);
#endif
  }
  for (std::uint32_t i = count; i-- > 0;) push_free(added.records[i]);
  return true;
}

bool buffer_pool::find_free(std::uint32_t wanted) noexcept {
  collect();
  while (free_count_ < wanted)
    if (!grow()) return false;
  return true;
}

void buffer_pool::misused(const slot& found, const char* mistake) noexcept {
  std::fprintf(stderr, "buffer pool: slot %u: %s\n", found.index, mistake);
  std::abort();
}

void buffer_pool::poison_bytes(const slot& freed) noexcept {
#ifdef MYRA_ASAN
  ASAN_POISON_MEMORY_REGION(freed.memory, freed.room);
#else
  // Enough to make a stale view visible; all of it would cost more than the work under test.
  std::memset(freed.memory, 0xDB, std::min<std::uint32_t>(freed.room, 128));
#endif
}

void buffer_pool::unpoison_bytes([[maybe_unused]] const slot& used) noexcept {
#ifdef MYRA_ASAN
  ASAN_UNPOISON_MEMORY_REGION(used.memory, used.room);
#endif
}

buffer buffer_pool::acquire() noexcept {
  slot* taken = pop_free();
  if (taken == nullptr) return {};
  move(*taken, slot_owner::pool, slot_owner::application, "acquired while not free");
  unpoison(*taken);
  return buffer(*taken, taken->memory, options_.slot_size_bytes);
}

void buffer_pool::put_back_carefully(slot& returned) noexcept {
  if (is_area_) return put_back_window(returned);
  if (returned.whole != nullptr) return put_back_piece(returned);
  if (poisons_) poison_bytes(returned);
  push_free(returned);
}

void buffer_pool::put_back_piece(slot& piece) noexcept {
  if (poisons_) poison_bytes(piece);
  slot& whole = *piece.whole;
  piece.next = free_pieces_;
  free_pieces_ = &piece;
  --piece_count_;
  if (--whole.piece_count != 0 || whole.owner != slot_owner::application) return;
  whole.owner = slot_owner::pool;
  put_back_carefully(whole);
}

void buffer_pool::put_back_window(slot& window) noexcept {
  if (poisons_) poison_bytes(window);
  window.next = returned_windows_;
  returned_windows_ = &window;
  ++returned_window_count_;
  --piece_count_;
  ++returned_count_;
}

/// Null: no memory.
slot* buffer_pool::free_piece() noexcept {
  constexpr std::size_t records_at_once = 256;
  if (free_pieces_ == nullptr) {
    try {
      piece_records_.reserve(piece_records_.size() + 1);
      piece_records_.push_back(std::make_unique<slot[]>(records_at_once));
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    for (std::size_t i = records_at_once; i-- > 0;) {
      slot& added = piece_records_.back()[i];
      added.pool = this;
      added.next = free_pieces_;
      free_pieces_ = &added;
    }
  }
  slot* taken = free_pieces_;
  free_pieces_ = taken->next;
  ++piece_count_;
  return taken;
}

buffer buffer_pool::piece_from_kernel(std::uint32_t index, std::uint32_t size) noexcept {
  slot& filled = *slots_[index];
  expect(filled, slot_owner::kernel, "filled by the kernel, which did not have it");
  assert(size <= filled.room - filled.size && "the kernel filled more than the slot has");
  std::byte* start = filled.memory + filled.size;
  filled.size += size;
  slot* piece = size == 0 ? nullptr : free_piece();
  if (piece == nullptr) return {};
  careful_ = true;
  piece->owner = slot_owner::application;
  piece->index = index;
  piece->memory = start;
  piece->room = size;
  piece->region = filled.region;
  piece->whole = &filled;
  ++filled.piece_count;
  return buffer(*piece, start, size);
}

buffer buffer_pool::from_area(std::size_t offset, std::uint32_t size) noexcept {
  const mutable_byte_view area = region_bytes(0);
  assert(offset <= area.size() && size <= area.size() - offset && "a window outside of its area");
  slot* window = free_piece();
  if (window == nullptr) return {};
  window->owner = slot_owner::application;
  window->memory = area.data() + offset;
  window->room = size;
  unpoison(*window);
  return buffer(*window, window->memory, size);
}

void buffer_pool::end_pieces(slot& filled) noexcept {
  if (filled.piece_count == 0) return reclaim(filled);
  move(filled, slot_owner::kernel, slot_owner::application,
       "left by the kernel, which did not have it");
  --kernel_count_;
}

void buffer_pool::send_home(slot& returned) noexcept {
  returning_.fetch_add(1, std::memory_order_relaxed);
  returned.owner = slot_owner::pool;
  slot* first = homecoming_.load(std::memory_order_relaxed);
  do {
    returned.next = first;
  } while (!homecoming_.compare_exchange_weak(first, &returned, std::memory_order_seq_cst,
                                              std::memory_order_relaxed));
  if (wanted_.load(std::memory_order_seq_cst) && wanted_.exchange(false)) home_call_(home_context_);
  returning_.fetch_sub(1, std::memory_order_release);
}

void buffer_pool::take_home() noexcept {
  slot* at = homecoming_.exchange(nullptr, std::memory_order_acquire);
  while (at != nullptr) {
    slot* following = at->next;
    put_back(*at);
    at = following;
  }
}

void buffer_pool::on_homecoming(void (*call)(void*) noexcept, void* context) noexcept {
  home_call_ = call;
  home_context_ = context;
}

void buffer_pool::want_homecoming() noexcept {
  if (home_call_ != nullptr) wanted_.store(true, std::memory_order_seq_cst);
}

}  // namespace myra
