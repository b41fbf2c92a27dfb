#include "myra/core/cache_line.hpp"

#include <gtest/gtest.h>

#include <cstdint>

#include "myra/core/allocation_count_test.hpp"

namespace myra {
namespace {

TEST(line_array, BeginsALineAndIsOneAllocation) {
  if (!test::allocations_are_counted())
    GTEST_SKIP() << "this sanitizer's operator new is not replaced";
  const std::uint64_t before = test::allocation_count();
  const line_array<std::uint32_t> made = make_line_array<std::uint32_t>(5);
  EXPECT_EQ(test::allocation_count(), before + 1);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(made.get()) % cache_line_size, 0U);
}

}  // namespace
}  // namespace myra
