// For tests: how many times operator new was called in this program.
#pragma once

#include <cstdint>

namespace myra::test {

/// Calls of operator new so far, on all threads.
[[nodiscard]] std::uint64_t allocation_count() noexcept;

/// Whether they are counted: a sanitizer's operator new may not be replaced.
[[nodiscard]] bool allocations_are_counted();

}  // namespace myra::test
