// For tests: how often operator new was called in this program.
#pragma once

#include <cstdint>

namespace myra::test {

/// Calls so far, on all threads; always 0 under ThreadSanitizer, whose own operator new stays.
[[nodiscard]] std::uint64_t allocation_count() noexcept;

}  // namespace myra::test
