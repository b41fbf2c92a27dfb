#include "myra/memory/arena.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <new>
#include <utility>

namespace myra {
namespace {

constexpr std::uint32_t block_size_min_bytes = 256;
constexpr std::uint32_t block_size_max_bytes = 1024 * 1024;

}  // namespace

std::string check(const arena_options& options) {
  if (options.block_size_bytes >= block_size_min_bytes &&
      options.block_size_bytes <= block_size_max_bytes)
    return {};
  return "block_size_bytes is " + std::to_string(options.block_size_bytes) + "; expected " +
         std::to_string(block_size_min_bytes) + " to " + std::to_string(block_size_max_bytes);
}

arena_pool::arena_pool(const arena_options& options) noexcept : options_(options) {
  assert(check(options).empty());
}

arena_pool::~arena_pool() {
  assert(in_use_count_ == 0 && "an arena outlives its pool");
  while (kept_ != nullptr) ::operator delete(std::exchange(kept_, kept_->next));
}

arena_pool::header* arena_pool::take_block() {
  header* block = kept_;
  if (block != nullptr) {
    kept_ = block->next;
    --kept_count_;
  } else {
    block = ::new (::operator new(options_.block_size_bytes)) header;
    ++heap_allocation_count_;
  }
  ++in_use_count_;
  return block;
}

void arena_pool::give_back(header* block) noexcept {
  --in_use_count_;
  if (kept_count_ == options_.kept_count_max) {
    ::operator delete(block);
    return;
  }
  block->next = std::exchange(kept_, block);
  ++kept_count_;
}

void arena::reset() noexcept {
  while (blocks_ != nullptr) pool_.give_back(std::exchange(blocks_, blocks_->next));
  while (alone_ != nullptr) ::operator delete(std::exchange(alone_, alone_->next));
  at_ = limit_ = nullptr;
  used_bytes_ = 0;
}

void* arena::do_allocate(std::size_t size, std::size_t alignment) {
  void* taken = take(size, alignment);
  if (taken == nullptr) [[unlikely]] {
    const std::size_t half = pool_.block_size_bytes() / 2;
    if (size > half || alignment > half - std::min(size, half))
      taken = allocate_alone(size, alignment);
    else {
      open_block();
      taken = take(size, alignment);
      assert(taken != nullptr);
    }
  }
  used_bytes_ += size;
  return taken;
}

/// A piece of the newest block; null where it does not fit.
void* arena::take(std::size_t size, std::size_t alignment) noexcept {
  const std::size_t past = reinterpret_cast<std::uintptr_t>(at_) & (alignment - 1);
  const std::size_t skipped = past == 0 ? 0 : alignment - past;
  const auto room = static_cast<std::size_t>(limit_ - at_);
  if (at_ == nullptr || skipped > room || size > room - skipped) return nullptr;
  std::byte* taken = at_ + skipped;
  at_ = taken + size;
  return taken;
}

void* arena::allocate_alone(std::size_t size, std::size_t alignment) {
  const std::size_t before = sizeof(header) + alignment - 1;
  if (size > static_cast<std::size_t>(PTRDIFF_MAX) - before) throw std::bad_alloc();
  auto* memory = static_cast<std::byte*>(::operator new(before + size));
  ++pool_.heap_allocation_count_;
  alone_ = ::new (memory) header{alone_};
  std::byte* from = memory + sizeof(header);
  const std::size_t past = reinterpret_cast<std::uintptr_t>(from) & (alignment - 1);
  return from + (past == 0 ? 0 : alignment - past);
}

void arena::open_block() {
  header* block = pool_.take_block();
  block->next = std::exchange(blocks_, block);
  at_ = reinterpret_cast<std::byte*>(block) + sizeof(header);
  limit_ = reinterpret_cast<std::byte*>(block) + pool_.block_size_bytes();
}

}  // namespace myra
