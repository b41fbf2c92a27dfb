// Timers on a reactor: order, cancelling, many of them, and what a callback may do.
#include <algorithm>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

/// A timer that runs a function.
struct alarm : timer {
  explicit alarm(std::function<void(alarm&)> call)
      : timer([](timer& fired) noexcept {
          static_cast<alarm&>(fired).ring(static_cast<alarm&>(fired));
        }),
        ring(std::move(call)) {}
  std::function<void(alarm&)> ring;
};

class timing_case : public conformance_test {
 protected:
  [[nodiscard]] timer_wheel& timers() { return on().internals().timers(); }
};

TEST_P(timing_case, never_early) {
  int fired = 0;
  std::deque<alarm> alarms;
  for (int i = 1; i <= 20; ++i) {
    auto& made = alarms.emplace_back([&](alarm& self) {
      ++fired;
      EXPECT_GE(present(), self.deadline());
      EXPECT_LT(present(), self.deadline() + slack());
    });
    timers().arm(made, present() + i * 3ms);
  }
  turn_until([&] { return fired == 20; });
}

TEST_P(timing_case, in_the_order_of_their_deadlines) {
  std::vector<int> order;
  std::deque<alarm> alarms;
  const auto now = present();
  for (const int ms : {30, 10, 50, 20, 40}) {
    auto& made = alarms.emplace_back([&order, ms](alarm&) { order.push_back(ms); });
    timers().arm(made, now + ms * 1ms);
  }
  turn_until([&] { return order.size() == 5; });
  EXPECT_EQ(order, (std::vector{10, 20, 30, 40, 50}));
}

TEST_P(timing_case, of_one_moment_in_the_order_of_arming) {
  std::vector<int> order;
  std::deque<alarm> alarms;
  const auto when = present() + 10ms;
  for (int i = 0; i < 100; ++i) {
    auto& made = alarms.emplace_back([&order, i](alarm&) { order.push_back(i); });
    timers().arm(made, when);
  }
  turn_until([&] { return order.size() == 100; });
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(timing_case, five_thousand) {
  int fired = 0;
  std::deque<alarm> alarms;
  const auto now = present();
  for (int i = 0; i < 5'000; ++i) {
    auto& made = alarms.emplace_back([&](alarm& self) {
      ++fired;
      EXPECT_GE(present(), self.deadline());
    });
    timers().arm(made, now + (i * 7919 % 60) * 1ms);
  }
  turn_until([&] { return fired == 5'000; });
  EXPECT_GE(on().counters().timers_fired, 5'000U);
}

TEST_P(timing_case, disarmed_it_stays_silent) {
  int fired = 0;
  alarm unwanted([&](alarm&) { ++fired; });
  timers().arm(unwanted, present() + 10ms);
  EXPECT_TRUE(unwanted.armed());
  unwanted.disarm();
  unwanted.disarm();
  turn_for(30ms);
  EXPECT_EQ(fired, 0);
}

TEST_P(timing_case, armed_again_it_moves) {
  int fired = 0;
  alarm moved([&](alarm&) { ++fired; });
  timers().arm(moved, present() + 5ms);
  const auto when = present() + 60ms;
  timers().arm(moved, when);
  turn_until([&] { return fired == 1; });
  EXPECT_GE(present(), when);
  timers().arm(moved, present() + 1h);
  timers().arm(moved, present() + 1ms);
  turn_until([&] { return fired == 2; });
}

TEST_P(timing_case, rearmed_by_its_callback) {
  int fired = 0;
  alarm ticking([&](alarm& self) {
    if (++fired < 20) timers().arm(self, present() + 1ms);
  });
  timers().arm(ticking, present());
  turn_until([&] { return fired == 20; });
  turn_for(5ms);
  EXPECT_EQ(fired, 20);
}

TEST_P(timing_case, one_disarms_another_of_the_same_moment) {
  int fired = 0;
  alarm second([&](alarm&) { fired += 100; });
  alarm first([&](alarm&) {
    ++fired;
    second.disarm();
  });
  const auto when = present() + 5ms;
  timers().arm(first, when);
  timers().arm(second, when);
  turn_for(30ms);
  EXPECT_EQ(fired, 1);
}

TEST_P(timing_case, a_callback_may_destroy_its_timer) {
  bool fired = false;
  auto owned = std::make_unique<alarm>([&](alarm&) { fired = true; });
  owned->ring = [&](alarm&) {
    fired = true;
    const auto last_use = std::move(owned->ring);
    owned.reset();
  };
  timers().arm(*owned, present() + 2ms);
  turn_until([&] { return fired; });
  EXPECT_EQ(owned, nullptr);
}

TEST_P(timing_case, a_moment_that_has_passed_is_due_in_the_next_turn) {
  int fired = 0;
  alarm late([&](alarm&) { ++fired; });
  timers().arm(late, present() - 1h);
  ASSERT_TRUE(on().run_once(slack()));
  ASSERT_TRUE(on().run_once(0ms));
  EXPECT_EQ(fired, 1);
}

TEST_P(timing_case, a_flood_of_bytes_does_not_hold_them_up) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  const std::string burst(60'000, 'f');
  script talk;
  for (int i = 0; i < 400; ++i) talk.insert(talk.end(), {send(burst), receive(burst.size())});
  auto peer = host().dial(at.local(), talk);
  int fired = 0;
  alarm ticking([&](alarm& self) {
    ++fired;
    EXPECT_LT(present(), self.deadline() + slack());
    timers().arm(self, present() + 2ms);
  });
  timers().arm(ticking, present() + 2ms);
  finish(*peer);
  EXPECT_GT(fired, 1);
}

TEST_P(timing_case, next_deadline_tells_a_foreign_loop_when_to_come) {
  EXPECT_EQ(on().next_deadline(), never);
  alarm one([](alarm&) {});
  const auto before = present();
  const auto when = before + 40ms;
  timers().arm(one, when);
  EXPECT_LE(on().next_deadline(), when + timer_wheel::tick);
  EXPECT_GT(on().next_deadline(), before - 5ms);
  one.disarm();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, timing_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
