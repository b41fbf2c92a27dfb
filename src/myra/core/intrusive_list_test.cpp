#include "myra/core/intrusive_list.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace myra {
namespace {

struct first_tag;
struct second_tag;

struct element : list_node<first_tag>, list_node<second_tag> {
  int value = 0;
};

using list = intrusive_list<element, first_tag>;
using other_list = intrusive_list<element, second_tag>;

std::vector<int> drain(list& drained) {
  std::vector<int> values;
  while (element* taken = drained.pop_front()) values.push_back(taken->value);
  return values;
}

class intrusive_list_of_five : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 5; ++i) elements[static_cast<std::size_t>(i)].value = i;
  }
  std::array<element, 5> elements;
  list members;
};

TEST_F(intrusive_list_of_five, hands_out_in_the_order_of_insertion) {
  EXPECT_TRUE(members.empty());
  EXPECT_EQ(members.pop_front(), nullptr);
  for (element& each : elements) members.push_back(each);
  EXPECT_FALSE(members.empty());
  EXPECT_EQ(members.front().value, 0);
  EXPECT_EQ(drain(members), (std::vector{0, 1, 2, 3, 4}));
  EXPECT_TRUE(members.empty());
}

TEST_F(intrusive_list_of_five, an_element_leaves_from_any_place_and_may_come_back) {
  for (element& each : elements) members.push_back(each);
  for (const std::size_t leaving : {std::size_t{0}, std::size_t{2}, std::size_t{4}}) {
    elements[leaving].list_node<first_tag>::unlink();
    EXPECT_FALSE(elements[leaving].list_node<first_tag>::linked());
  }
  members.push_back(elements[2]);
  EXPECT_EQ(drain(members), (std::vector{1, 3, 2}));
}

TEST_F(intrusive_list_of_five, unlinking_twice_is_harmless) {
  members.push_back(elements[0]);
  elements[0].list_node<first_tag>::unlink();
  elements[0].list_node<first_tag>::unlink();
  EXPECT_TRUE(members.empty());
}

TEST_F(intrusive_list_of_five, append_moves_everything_and_keeps_the_order) {
  list more;
  members.push_back(elements[0]);
  members.append(more);
  for (std::size_t i = 1; i < 5; ++i) more.push_back(elements[i]);
  members.append(more);
  EXPECT_TRUE(more.empty());
  more.append(members);
  EXPECT_TRUE(members.empty());
  EXPECT_EQ(drain(more), (std::vector{0, 1, 2, 3, 4}));
}

TEST_F(intrusive_list_of_five, an_element_is_in_one_list_per_tag) {
  other_list others;
  members.push_back(elements[0]);
  others.push_back(elements[0]);
  EXPECT_EQ(members.pop_front(), &elements[0]);
  EXPECT_EQ(others.pop_front(), &elements[0]);
}

TEST_F(intrusive_list_of_five, for_each_may_unlink_what_it_visits) {
  for (element& each : elements) members.push_back(each);
  std::vector<int> visited;
  members.for_each([&](element& each) {
    visited.push_back(each.value);
    if (each.value % 2 == 0) each.list_node<first_tag>::unlink();
  });
  EXPECT_EQ(visited, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(drain(members), (std::vector{1, 3}));
}

TEST(intrusive_list_death, an_element_destroyed_in_a_list_asserts) {
#ifdef NDEBUG
  GTEST_SKIP() << "assertions are off in this build";
#else
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        list members;
        element leaving;
        members.push_back(leaving);
      },
      "destroyed while in a list");
#endif
}

}  // namespace
}  // namespace myra
