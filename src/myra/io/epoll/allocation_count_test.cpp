#include "myra/io/epoll/allocation_count_test.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__SANITIZE_THREAD__)
#define MYRA_TSAN
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MYRA_TSAN
#endif
#endif

namespace {
std::atomic<std::uint64_t> calls{0};
}  // namespace

std::uint64_t myra::test::allocation_count() noexcept { return calls; }

// In a file of its own: GCC, which inlines one half of the pair, would see the other mismatched.
#ifndef MYRA_TSAN
void* operator new(std::size_t size) {
  ++calls;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif
