#include "myra/core/allocation_count_test.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<std::uint64_t> calls = 0;
}  // namespace

std::uint64_t myra::test::allocation_count() noexcept { return calls; }

// The array and the nothrow forms of new end in this one. It has a file of its own because a
// compiler that inlines only one half of a pair warns about the other.
void* operator new(std::size_t size) {
  ++calls;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
