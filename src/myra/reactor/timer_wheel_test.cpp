#include "myra/reactor/timer_wheel.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace myra {
namespace {

using namespace std::chrono_literals;

const time_point start{123456789ns};

/// A timer that runs a function of the test.
struct calling_timer : timer {
  explicit calling_timer(std::function<void()> on_call) : timer(&call), then(std::move(on_call)) {}
  static void call(timer& fired) noexcept { static_cast<calling_timer&>(fired).then(); }
  std::function<void()> then;
};

class timer_wheel_test : public testing::Test {
 protected:
  calling_timer& make(std::string name) {
    timers.push_back(std::make_unique<calling_timer>([this, name] { fired += name; }));
    return *timers.back();
  }

  std::string fired;
  std::vector<std::unique_ptr<calling_timer>> timers;
  timer_wheel wheel{start};
};

TEST_F(timer_wheel_test, an_empty_wheel_has_nothing_to_do) {
  EXPECT_EQ(wheel.next(), never);
  EXPECT_EQ(wheel.advance(start + 100h), 0U);
  EXPECT_EQ(wheel.next(), never);
}

TEST_F(timer_wheel_test, fires_at_the_deadline_rounded_up_to_the_tick_and_not_before) {
  calling_timer& timer = make("a");
  wheel.arm(timer, start + 2ms + 1ns);
  EXPECT_TRUE(timer.armed());
  EXPECT_EQ(timer.deadline(), start + 2ms + 1ns);
  EXPECT_EQ(wheel.advance(start + 3ms - 1ns), 0U);
  EXPECT_EQ(wheel.next(), start + 3ms);
  EXPECT_EQ(wheel.advance(start + 3ms), 1U);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.next(), never);
  EXPECT_EQ(fired, "a");
}

TEST_F(timer_wheel_test, a_deadline_on_the_tick_is_not_rounded) {
  wheel.arm(make("a"), start + 2ms);
  EXPECT_EQ(wheel.advance(start + 2ms - 1ns), 0U);
  EXPECT_EQ(wheel.advance(start + 2ms), 1U);
}

TEST_F(timer_wheel_test, a_moment_that_has_passed_fires_in_the_next_call) {
  wheel.advance(start + 50ms);
  wheel.arm(make("a"), start + 10ms);
  wheel.arm(make("b"), time_point::min());
  EXPECT_LE(wheel.next(), start + 50ms);
  EXPECT_EQ(wheel.advance(start + 50ms), 2U);
  EXPECT_EQ(fired, "ab");
}

TEST_F(timer_wheel_test, every_distance_up_to_years_is_exact) {
  std::vector<duration> distances = {1ms,    63ms,   64ms,     65ms,    4095ms,
                                     4096ms, 4097ms, 262143ms, 262144ms};
  for (const auto beyond : {16777215ms, 16777216ms, 16777217ms, 16777216ms * 3 + 5ms})
    distances.push_back(beyond);
  distances.insert(distances.end(), {5h, 24h, 24h * 365, 24h * 3650});
  for (const time_point begin : {start, start + 1ms, start + 16777215ms, start + 4h + 1234567us}) {
    for (const duration distance : distances) {
      timer_wheel fresh(start);
      fresh.advance(begin);
      int count = 0;
      calling_timer timer([&] { ++count; });
      const time_point deadline = begin + distance;
      fresh.arm(timer, deadline);
      EXPECT_EQ(fresh.advance(deadline - 1ns), 0U);
      ASSERT_LE(fresh.next(), deadline + timer_wheel::tick);
      EXPECT_EQ(fresh.advance(deadline + timer_wheel::tick), 1U) << distance.count();
      EXPECT_EQ(count, 1);
    }
  }
}

TEST_F(timer_wheel_test, sleeping_until_next_reaches_the_deadline_in_few_steps) {
  for (const duration distance : std::initializer_list<duration>{1ms, 30s, 1h, 10h}) {
    fired.clear();
    timer_wheel fresh(start);
    calling_timer timer([&] { fired += "x"; });
    fresh.arm(timer, start + distance);
    time_point now = start;
    int steps = 0;
    while (fired.empty()) {
      ASSERT_GT(fresh.next(), now);
      now = fresh.next();
      fresh.advance(now);
      ++steps;
    }
    EXPECT_EQ(now, start + distance);
    EXPECT_LE(steps, 8);
  }
}

TEST_F(timer_wheel_test, timers_of_one_tick_fire_as_armed_wherever_they_were_armed_from) {
  const time_point deadline = start + 5h + 7ms;
  const std::vector<time_point> moments = {start,           start + 1h,        start + 4h + 50min,
                                           start + 5h - 3s, start + 5h - 60ms, start + 5h};
  char name = 'a';
  for (const time_point moment : moments) {
    wheel.advance(moment);
    wheel.arm(make(std::string(1, name++)), deadline);
  }
  wheel.advance(deadline);
  EXPECT_EQ(fired, "abcdef");
}

TEST_F(timer_wheel_test, one_call_fires_many_ticks_in_their_order) {
  wheel.arm(make("c"), start + 5s);
  wheel.arm(make("a"), start + 1ms);
  wheel.arm(make("d"), start + 5h);
  wheel.arm(make("b"), start + 70ms);
  EXPECT_EQ(wheel.advance(start + 6h), 4U);
  EXPECT_EQ(fired, "abcd");
}

TEST_F(timer_wheel_test, arming_again_moves_and_never_disarms) {
  calling_timer& timer = make("a");
  wheel.arm(timer, start + 10ms);
  wheel.arm(timer, start + 20ms);
  EXPECT_EQ(wheel.advance(start + 19ms), 0U);
  wheel.arm(timer, never);
  EXPECT_FALSE(timer.armed());
  EXPECT_EQ(wheel.next(), never);
  EXPECT_EQ(wheel.advance(start + 1h), 0U);
}

TEST_F(timer_wheel_test, a_disarmed_timer_does_not_fire) {
  calling_timer& timer = make("a");
  timer.disarm();
  wheel.arm(timer, start + 10ms);
  timer.disarm();
  EXPECT_EQ(wheel.advance(start + 1h), 0U);
}

TEST_F(timer_wheel_test, a_callback_may_disarm_others_of_its_tick) {
  calling_timer* victim = nullptr;
  calling_timer killer([&] { victim->disarm(); });
  wheel.arm(killer, start + 5ms);
  victim = &make("victim");
  wheel.arm(*victim, start + 5ms);
  wheel.arm(make("witness"), start + 5ms);
  EXPECT_EQ(wheel.advance(start + 5ms), 2U);
  EXPECT_EQ(fired, "witness");
}

TEST_F(timer_wheel_test, a_callback_may_move_others_of_its_tick_and_itself) {
  calling_timer& moved = make("m");
  calling_timer mover([&] {
    fired += "x";
    wheel.arm(moved, start + 9ms);
    wheel.arm(mover, start + 7ms);
  });
  wheel.arm(mover, start + 5ms);
  wheel.arm(moved, start + 5ms);
  EXPECT_EQ(wheel.advance(start + 5ms), 1U);
  EXPECT_EQ(wheel.advance(start + 7ms), 1U);
  wheel.arm(mover, never);
  EXPECT_EQ(wheel.advance(start + 9ms), 1U);
  EXPECT_EQ(fired, "xxm");
}

TEST_F(timer_wheel_test, what_a_callback_arms_for_the_past_waits_for_the_next_call) {
  int count = 0;
  calling_timer eager([&] {
    ++count;
    wheel.arm(eager, start + 1ms);
  });
  wheel.arm(eager, start + 1ms);
  for (int call = 1; call <= 3; ++call) {
    EXPECT_EQ(wheel.advance(start + 1h), 1U);
    EXPECT_EQ(count, call);
  }
  // Also when the moment lies between the timer's own and the clock's.
  calling_timer between([&] { wheel.arm(make("b"), start + 1h + 3ms); });
  eager.disarm();
  wheel.arm(between, start + 1h + 2ms);
  EXPECT_EQ(wheel.advance(start + 1h + 5ms), 1U);
  EXPECT_EQ(fired, "");
  EXPECT_EQ(wheel.advance(start + 1h + 5ms), 1U);
  EXPECT_EQ(fired, "b");
}

TEST_F(timer_wheel_test, a_callback_may_destroy_its_timer) {
  std::unique_ptr<calling_timer> own;
  own = std::make_unique<calling_timer>([&] {
    fired += "gone";
    own.reset();
  });
  wheel.arm(*own, start + 1ms);
  EXPECT_EQ(wheel.advance(start + 1ms), 1U);
  EXPECT_EQ(fired, "gone");
  EXPECT_EQ(own, nullptr);
}

TEST_F(timer_wheel_test, a_clock_that_goes_back_fires_nothing_early) {
  wheel.advance(start + 100ms);
  wheel.arm(make("a"), start + 110ms);
  EXPECT_EQ(wheel.advance(start + 20ms), 0U);
  EXPECT_EQ(wheel.advance(start - 1h), 0U);
  EXPECT_EQ(wheel.advance(start + 109ms), 0U);
  EXPECT_EQ(wheel.advance(start + 110ms), 1U);
}

TEST_F(timer_wheel_test, destruction_disarms_what_is_armed) {
  std::vector<std::unique_ptr<calling_timer>> armed;
  {
    timer_wheel brief(start);
    for (const duration distance : std::initializer_list<duration>{0ms, 1ms, 1s, 1h, 100h}) {
      armed.push_back(std::make_unique<calling_timer>([] {}));
      brief.arm(*armed.back(), start + distance);
    }
  }
  for (const auto& each : armed) EXPECT_FALSE(each->armed());
}

/// The contract in its plainest form: a multimap from tick to timers.
class model {
 public:
  explicit model(std::size_t count) : at_(count) {}

  void arm(std::size_t index, time_point deadline) {
    disarm(index);
    const auto since = std::chrono::ceil<std::chrono::milliseconds>(deadline - start).count();
    at_[index] = armed_.emplace(std::max<std::int64_t>(since, now_), index);
  }
  void disarm(std::size_t index) {
    if (at_[index] != armed_.end()) armed_.erase(at_[index]);
    at_[index] = armed_.end();
  }
  std::vector<std::size_t> advance(time_point now) {
    now_ = std::chrono::floor<std::chrono::milliseconds>(now - start).count();
    std::vector<std::size_t> due;
    while (!armed_.empty() && armed_.begin()->first <= now_) {
      due.push_back(armed_.begin()->second);
      disarm(due.back());
    }
    return due;
  }
  time_point next() const {
    return armed_.empty() ? never : start + std::chrono::milliseconds(armed_.begin()->first);
  }
  void begin() { at_.assign(at_.size(), armed_.end()); }

 private:
  std::multimap<std::int64_t, std::size_t> armed_;
  std::vector<std::multimap<std::int64_t, std::size_t>::iterator> at_;
  std::int64_t now_ = 0;
};

struct numbered_timer : timer {
  numbered_timer() : timer(&call) {}
  static void call(timer& fired) noexcept {
    auto& self = static_cast<numbered_timer&>(fired);
    self.log->push_back(self.index);
  }
  std::size_t index = 0;
  std::vector<std::size_t>* log = nullptr;
};

/// From nanoseconds to days, every order of magnitude as likely as the others; some in the past.
duration some_distance(std::mt19937_64& random) {
  const std::uint64_t scale = std::uint64_t{1} << (random() % 50);
  return duration(static_cast<duration::rep>(random() % scale)) - 1ms;
}

TEST(timer_wheel_model, a_hundred_thousand_timers_fire_as_a_multimap_says) {
  constexpr std::size_t timer_count = 100'000;
  std::mt19937_64 random(2024);
  std::vector<std::size_t> fired;
  std::vector<numbered_timer> timers(timer_count);
  timer_wheel wheel(start);
  model expected(timer_count);
  expected.begin();
  time_point now = start;
  const auto arm_one = [&](std::size_t index) {
    const time_point deadline = now + some_distance(random);
    wheel.arm(timers[index], deadline);
    expected.arm(index, deadline);
  };
  for (std::size_t i = 0; i < timer_count; ++i) {
    timers[i].index = i;
    timers[i].log = &fired;
    arm_one(i);
  }
  for (int step = 0; step < 3000; ++step) {
    for (int change = 0; change < 20; ++change) {
      const std::size_t index = random() % timer_count;
      if (random() % 4 == 0) {
        timers[index].disarm();
        expected.disarm(index);
      } else {
        arm_one(index);
      }
    }
    ASSERT_LE(wheel.next(), expected.next()) << "step " << step;
    now += step % 3 == 0 ? std::max<duration>(wheel.next() - now, 0ns) : abs(some_distance(random));
    fired.clear();
    const std::vector<std::size_t> due = expected.advance(now);
    ASSERT_EQ(wheel.advance(now), due.size()) << "step " << step;
    ASSERT_EQ(fired, due) << "step " << step;
  }
  for (numbered_timer& each : timers) each.disarm();
}

}  // namespace
}  // namespace myra
