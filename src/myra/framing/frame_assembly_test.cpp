#include "myra/framing/frame_assembly.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "myra/core/sanitizer_test.hpp"

namespace myra {
namespace {

TEST(frame_assembly, holds_what_was_appended_in_order) {
  frame_assembly assembly;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    const std::string part = std::to_string(i);
    ASSERT_TRUE(assembly.append(as_bytes(part), 1 << 20));
    expected += part;
  }
  EXPECT_EQ(as_text(assembly.bytes()), expected);
}

TEST(frame_assembly, grows_with_what_arrived_and_not_with_what_was_announced) {
  frame_assembly assembly;
  const std::string part(1000, 'x');
  for (std::size_t size = 1000; size <= 64000; size += 1000) {
    ASSERT_TRUE(assembly.append(as_bytes(part), std::size_t{1} << 30));
    EXPECT_LE(assembly.capacity_bytes(), 2 * size);
  }
}

TEST(frame_assembly, never_grows_beyond_the_final_size) {
  frame_assembly assembly;
  ASSERT_TRUE(assembly.append(as_bytes(std::string(900, 'x')), 1000));
  ASSERT_TRUE(assembly.append(as_bytes(std::string(100, 'x')), 1000));
  EXPECT_EQ(assembly.capacity_bytes(), 1000u);
}

TEST(frame_assembly, copies_each_byte_at_most_three_times) {
  frame_assembly assembly;
  for (int i = 0; i < 100000; ++i) ASSERT_TRUE(assembly.append(as_bytes("x"), 1 << 20));
  EXPECT_LE(assembly.bytes_copied(), 300000u);
}

TEST(frame_assembly, clear_keeps_the_storage_and_trim_gives_it_back) {
  frame_assembly assembly;
  ASSERT_TRUE(assembly.append(as_bytes("abc"), 3));
  assembly.clear();
  EXPECT_EQ(assembly.size(), 0u);
  EXPECT_NE(assembly.capacity_bytes(), 0u);
  assembly.trim();
  EXPECT_EQ(assembly.capacity_bytes(), 0u);
}

TEST(frame_assembly, a_moved_from_one_is_empty_and_usable) {
  frame_assembly first;
  ASSERT_TRUE(first.append(as_bytes("abc"), 6));
  frame_assembly second(std::move(first));
  EXPECT_EQ(as_text(second.bytes()), "abc");
  // NOLINTBEGIN(bugprone-use-after-move,clang-analyzer-cplusplus.Move): the promise under test
  EXPECT_EQ(first.size(), 0u);
  ASSERT_TRUE(first.append(as_bytes("d"), 1));
  // NOLINTEND(bugprone-use-after-move,clang-analyzer-cplusplus.Move)
  second = std::move(first);
  EXPECT_EQ(as_text(second.bytes()), "d");
}

TEST(frame_assembly, no_memory_is_said_and_loses_nothing) {
  if (sanitized) GTEST_SKIP() << "a sanitizer ends the program for so much memory";
  frame_assembly assembly;
  ASSERT_TRUE(assembly.append(as_bytes("abc"), SIZE_MAX / 2));
  // The bytes are never read: their number alone cannot be allocated.
  const byte_view impossible(assembly.bytes().data(), SIZE_MAX / 4);
  EXPECT_FALSE(assembly.append(impossible, SIZE_MAX / 2));
  EXPECT_EQ(as_text(assembly.bytes()), "abc");
}

}  // namespace
}  // namespace myra
