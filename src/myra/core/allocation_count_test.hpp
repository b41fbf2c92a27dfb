// For tests: how many times operator new was called in this program.
#pragma once

#include <cstdint>

namespace myra::test {

/// Calls of operator new so far, on all threads. ThreadSanitizer has one of its own, which does not
/// count.
[[nodiscard]] std::uint64_t allocation_count() noexcept;

}  // namespace myra::test
