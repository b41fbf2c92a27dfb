// What a reactor writes at every message lies in cache lines of its own: what is left to the
// allocator is laid out so, and `./dev bench writes` looks at what is really written.
#include "myra/transport/stream_table.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace myra {
namespace {

template <class T>
constexpr bool in_lines_of_its_own =
    alignof(T) % cache_line_size == 0 && sizeof(T) % cache_line_size == 0;

static_assert(in_lines_of_its_own<loop>);
static_assert(in_lines_of_its_own<buffer_pool>);
static_assert(in_lines_of_its_own<stream_table>);
static_assert(in_lines_of_its_own<send_vector>);

TEST(line_array, begins_and_ends_at_a_line) {
  struct pair {
    std::uint64_t first;
    std::uint64_t second = 7;
  };
  for (const std::size_t count : {1U, 3U, 64U}) {
    const auto made = make_line_array<pair>(count);
    const auto neighbour = make_line_array<pair>(count);
    const auto begin = reinterpret_cast<std::uintptr_t>(made.get());
    const auto other = reinterpret_cast<std::uintptr_t>(neighbour.get());
    EXPECT_EQ(begin % cache_line_size, 0U);
    EXPECT_GE(begin > other ? begin - other : other - begin,
              (count * sizeof(pair) + cache_line_size - 1) / cache_line_size * cache_line_size);
    EXPECT_EQ(made[count - 1].second, 7U);
  }
}

}  // namespace
}  // namespace myra
