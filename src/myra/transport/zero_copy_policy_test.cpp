#include "myra/transport/zero_copy_policy.hpp"

#include <gtest/gtest.h>

namespace myra {
namespace {

using answer = zero_copy_policy::answer;
using mode = zero_copy_mode;

constexpr std::uint32_t threshold = 1000;
constexpr std::uint32_t large = 5000;

zero_copy_policy automatic() { return {mode::automatic, threshold, true}; }

TEST(zero_copy_policy, automatic_asks_for_large_sends_only) {
  auto policy = automatic();
  EXPECT_EQ(policy.from(), threshold);
  EXPECT_EQ(policy.ask(mode::automatic, threshold - 1, 0), answer::copy);
  EXPECT_EQ(policy.ask(mode::automatic, threshold, 0), answer::try_it);
}

TEST(zero_copy_policy, a_wish_goes_before_the_mode) {
  auto policy = automatic();
  EXPECT_EQ(policy.ask(mode::always, 1, 0), answer::try_it);
  EXPECT_EQ(policy.ask(mode::never, large, 0), answer::copy);
  zero_copy_policy never(mode::never, threshold, true);
  EXPECT_EQ(never.from(), zero_copy_policy::nothing);
  EXPECT_EQ(never.ask(mode::automatic, large, 0), answer::copy);
  EXPECT_EQ(never.ask(mode::always, 1, 0), answer::try_it);
  zero_copy_policy always(mode::always, threshold, true);
  EXPECT_EQ(always.from(), 0U);
  EXPECT_EQ(always.ask(mode::automatic, 1, 0), answer::try_it);
  EXPECT_EQ(always.ask(mode::never, 1, 0), answer::copy);
  EXPECT_TRUE(always.insists(mode::automatic));
  EXPECT_FALSE(always.insists(mode::never));
  EXPECT_TRUE(never.insists(mode::always));
  EXPECT_FALSE(policy.insists(mode::automatic));
}

TEST(zero_copy_policy, after_some_copies_in_a_row_it_rests_and_then_asks_again) {
  auto policy = automatic();
  for (unsigned i = 0; i < zero_copy_policy::copied_max; ++i) {
    EXPECT_EQ(policy.ask(mode::automatic, large, 0), answer::try_it);
    policy.reported(true);
  }
  for (unsigned i = 0; i < zero_copy_policy::rest_count; ++i) {
    EXPECT_EQ(policy.ask(mode::automatic, threshold - 1, 0), answer::copy) << "not counted";
    ASSERT_EQ(policy.ask(mode::automatic, large, 0), answer::copy) << i;
  }
  EXPECT_EQ(policy.ask(mode::automatic, large, 0), answer::try_it);
}

TEST(zero_copy_policy, a_copy_now_and_then_changes_nothing) {
  auto policy = automatic();
  for (int round = 0; round < 100; ++round) {
    for (unsigned i = 1; i < zero_copy_policy::copied_max; ++i) policy.reported(true);
    policy.reported(false);
    EXPECT_EQ(policy.ask(mode::automatic, large, 1000), answer::try_it);
  }
}

TEST(zero_copy_policy, before_the_first_good_report_few_are_with_the_kernel) {
  auto policy = automatic();
  for (std::uint32_t held = 0; held < zero_copy_policy::copied_max; ++held)
    EXPECT_EQ(policy.ask(mode::automatic, large, held), answer::try_it);
  EXPECT_EQ(policy.ask(mode::automatic, large, zero_copy_policy::copied_max), answer::copy);
  policy.reported(true);
  EXPECT_EQ(policy.ask(mode::automatic, large, zero_copy_policy::copied_max - 1), answer::copy);
  policy.reported(false);
  EXPECT_EQ(policy.ask(mode::automatic, large, 100), answer::try_it);
}

TEST(zero_copy_policy, always_does_not_look_at_reports) {
  zero_copy_policy policy(mode::always, threshold, true);
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_EQ(policy.ask(mode::automatic, 1, i), answer::try_it);
    policy.reported(true);
  }
}

TEST(zero_copy_policy, what_is_impossible_is_a_copy_and_a_refusal_when_it_was_asked_for) {
  zero_copy_policy nowhere(mode::automatic, threshold, false);
  EXPECT_EQ(nowhere.from(), zero_copy_policy::nothing);
  EXPECT_EQ(nowhere.ask(mode::automatic, large, 0), answer::copy);
  EXPECT_EQ(nowhere.ask(mode::always, large, 0), answer::refused);
  auto policy = automatic();
  policy.impossible();
  EXPECT_EQ(policy.from(), zero_copy_policy::nothing);
  EXPECT_EQ(policy.ask(mode::automatic, large, 0), answer::copy);
}

TEST(zero_copy_policy, out_of_locked_memory_everything_rests) {
  zero_copy_policy policy(mode::always, threshold, true);
  policy.out_of_memory();
  for (unsigned i = 0; i < zero_copy_policy::rest_count; ++i)
    ASSERT_EQ(policy.ask(mode::automatic, 1, 0), answer::refused) << i;
  EXPECT_EQ(policy.ask(mode::automatic, 1, 0), answer::try_it);
}

}  // namespace
}  // namespace myra
