#include "myra/transport/receive_policy.hpp"

#include <gtest/gtest.h>

namespace myra {
namespace {

constexpr std::uint32_t slot = 16 * 1024;

bool note_row(receive_traffic& traffic, std::int32_t size, int count) {
  bool changed = false;
  for (int i = 0; i < count; ++i) changed = traffic.note(size, slot);
  return changed;
}

TEST(receive_traffic, full_buffers_in_a_row_make_it_bulk) {
  receive_traffic traffic;
  EXPECT_FALSE(note_row(traffic, slot, receive_traffic::row_length - 1));
  EXPECT_FALSE(traffic.bulk());
  EXPECT_TRUE(traffic.note(slot, slot));
  EXPECT_TRUE(traffic.bulk());
}

TEST(receive_traffic, a_short_one_breaks_the_row) {
  receive_traffic traffic;
  note_row(traffic, slot, receive_traffic::row_length - 1);
  EXPECT_FALSE(traffic.note(slot - 1, slot));
  EXPECT_FALSE(note_row(traffic, slot, receive_traffic::row_length - 1));
  EXPECT_FALSE(traffic.bulk());
}

TEST(receive_traffic, short_ones_in_a_row_end_it) {
  receive_traffic traffic;
  note_row(traffic, slot, receive_traffic::row_length);
  note_row(traffic, 4 * slot, 100);
  EXPECT_TRUE(traffic.bulk()) << "full buffers are what makes it bulk";
  EXPECT_TRUE(note_row(traffic, 64, receive_traffic::row_length));
  EXPECT_FALSE(traffic.bulk());
}

TEST(receive_traffic, without_a_large_buffer_it_begins_anew) {
  receive_traffic traffic;
  note_row(traffic, slot, receive_traffic::row_length);
  traffic.make_do();
  EXPECT_FALSE(traffic.bulk());
  EXPECT_FALSE(note_row(traffic, slot, receive_traffic::row_length - 1));
}

}  // namespace
}  // namespace myra
