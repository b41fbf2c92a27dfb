#include "failing_new.hpp"

#include <cstdlib>
#include <new>

namespace {

bool counts = false;
std::uint64_t count = 0;
std::uint64_t fails_at = 0;

}  // namespace

void myra::faults::fail_allocation(std::uint64_t ordinal) noexcept {
  count = 0;
  fails_at = ordinal;
  counts = true;
}

std::uint64_t myra::faults::stop_counting() noexcept {
  counts = false;
  return count;
}

// The array and the nothrow forms of new end in these two.
void* operator new(std::size_t size) {
  if (counts && ++count == fails_at) throw std::bad_alloc();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  if (counts && ++count == fails_at) throw std::bad_alloc();
  void* memory = nullptr;
  if (::posix_memalign(&memory, static_cast<std::size_t>(alignment), size) == 0) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
