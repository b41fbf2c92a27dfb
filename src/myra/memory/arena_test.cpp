#include "myra/memory/arena.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <memory_resource>
#include <new>
#include <random>
#include <string>
#include <vector>

namespace myra {
namespace {

TEST(arena, feeds_containers_and_gives_all_back_in_one_step) {
  arena_pool pool;
  {
    arena memory(pool);
    std::pmr::vector<std::pmr::string> words(&memory);
    for (int i = 0; i < 1000; ++i)
      words.emplace_back("a text that is too long to lie in the string");
    EXPECT_EQ(words.back().size(), 44u);
    EXPECT_GT(pool.in_use_count(), 1u);
  }
  EXPECT_EQ(pool.in_use_count(), 0u);
  EXPECT_GT(pool.kept_count(), 1u);
}

TEST(arena, takes_nothing_before_it_is_asked) {
  arena_pool pool;
  const arena memory(pool);
  EXPECT_EQ(pool.in_use_count(), 0u);
  EXPECT_EQ(pool.heap_allocation_count(), 0u);
}

TEST(arena, the_next_request_uses_the_same_blocks) {
  arena_pool pool;
  const auto serve = [&pool] {
    arena memory(pool);
    std::pmr::map<int, std::pmr::string> headers(&memory);
    for (int i = 0; i < 100; ++i) headers.emplace(i, "the value of a header, not a short one");
  };
  serve();
  const std::uint64_t warm = pool.heap_allocation_count();
  for (int i = 0; i < 1000; ++i) serve();
  EXPECT_EQ(pool.heap_allocation_count(), warm);
}

TEST(arena, pieces_are_aligned_and_do_not_overlap) {
  arena_pool pool({.block_size_bytes = 1024});
  arena memory(pool);
  std::mt19937 numbers(1);
  std::vector<std::pair<unsigned char*, std::size_t>> taken;
  for (int i = 0; i < 2000; ++i) {
    const std::size_t size = numbers() % 700;
    const std::size_t alignment = std::size_t{1} << numbers() % 8;
    auto* piece = static_cast<unsigned char*>(memory.allocate(size, alignment));
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(piece) % alignment, 0u);
    std::memset(piece, i % 251, size);
    taken.emplace_back(piece, size);
  }
  for (std::size_t i = 0; i < taken.size(); ++i) {
    for (std::size_t at = 0; at < taken[i].second; ++at)
      ASSERT_EQ(taken[i].first[at], i % 251) << i;
  }
}

TEST(arena, a_piece_larger_than_a_block_goes_with_the_others) {
  arena_pool pool({.block_size_bytes = 256});
  arena memory(pool);
  auto* large = static_cast<std::byte*>(memory.allocate(100'000, 4096));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(large) % 4096, 0u);
  std::memset(large, 1, 100'000);
  EXPECT_EQ(pool.in_use_count(), 0u);
  EXPECT_EQ(memory.used_bytes(), 100'000u);
  memory.reset();
  EXPECT_EQ(memory.used_bytes(), 0u);
}

TEST(arena, no_size_is_too_large_to_be_refused) {
  arena_pool pool;
  arena memory(pool);
  for (const std::size_t less : {std::size_t{0}, std::size_t{64}, std::size_t{4096}}) {
    volatile std::size_t size = SIZE_MAX - less;  // The compiler warns of sizes that it knows.
    EXPECT_THROW((void)memory.allocate(size, 8), std::bad_alloc) << less;
  }
  EXPECT_NE(memory.allocate(0, 1), nullptr);
}

TEST(arena, can_be_used_again_after_a_reset) {
  arena_pool pool({.block_size_bytes = 512});
  arena memory(pool);
  void* first = memory.allocate(200, 8);
  memory.reset();
  EXPECT_EQ(pool.in_use_count(), 0u);
  EXPECT_EQ(memory.allocate(200, 8), first);
}

TEST(arena, the_pool_keeps_no_more_than_it_may) {
  arena_pool pool({.block_size_bytes = 256, .kept_count_max = 2});
  {
    arena memory(pool);
    for (int i = 0; i < 20; ++i) (void)memory.allocate(100, 8);
    EXPECT_GE(pool.in_use_count(), 10u);
  }
  EXPECT_EQ(pool.kept_count(), 2u);
}

TEST(arena, is_equal_to_itself_alone) {
  arena_pool pool;
  const arena one(pool);
  const arena other(pool);
  EXPECT_TRUE(one.is_equal(one));
  EXPECT_FALSE(one.is_equal(other));
}

TEST(arena, options_are_checked) {
  EXPECT_EQ(check(arena_options{}), "");
  EXPECT_EQ(check(arena_options{.block_size_bytes = 255}),
            "block_size_bytes is 255; expected 256 to 1048576");
  EXPECT_NE(check(arena_options{.block_size_bytes = 2'000'000}), "");
}

}  // namespace
}  // namespace myra
