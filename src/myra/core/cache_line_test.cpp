#include "myra/core/cache_line.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "myra/core/allocation_count_test.hpp"
#include "myra/core/sanitizer_test.hpp"

namespace myra {
namespace {

TEST(line_array, BeginsALineAndIsOneAllocation) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's own operator new may not count";
  const std::uint64_t before = test::allocation_count();
  const line_array<std::uint32_t> made = make_line_array<std::uint32_t>(5);
  EXPECT_EQ(test::allocation_count(), before + 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(made.get()) % cache_line_size, 0U);
}

}  // namespace
}  // namespace myra
