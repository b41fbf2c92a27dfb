// For tests: how many times operator new was called in this program.
#pragma once

#include <cstdint>
#include <new>

namespace myra::test {

/// Calls of operator new so far, on all threads.
[[nodiscard]] std::uint64_t allocation_count() noexcept;

/// Whether they are counted: a sanitizer's operator new may not be replaced. Asked outside of the
/// file that has ours, which calls that in any case.
[[nodiscard]] inline bool allocations_are_counted() {
  const std::uint64_t before = allocation_count();
  ::operator delete(::operator new(1));
  return allocation_count() != before;
}

}  // namespace myra::test
