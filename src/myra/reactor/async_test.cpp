#include "myra/reactor/async.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "myra/io/kernel_version_test.hpp"

namespace myra {
namespace {

using namespace std::chrono_literals;

class coroutines : public testing::TestWithParam<io::backend_kind> {
 protected:
  static void keep(void* context, log_level, std::string_view line) noexcept {
    static_cast<std::vector<std::string>*>(context)->emplace_back(line);
  }

  void SetUp() override {
    if (GetParam() == io::backend_kind::uring && !io::why_no_uring().empty())
      GTEST_SKIP() << io::why_no_uring();
  }

  reactor open() {
    reactor_options options;
    options.backend = GetParam();
    options.log = {&coroutines::keep, &log_};
    auto opened = reactor::open(options);
    if (!opened) throw std::runtime_error(describe(opened.error()));
    return std::move(*opened);
  }

  std::vector<std::string> log_;
};

task<int> answer() { co_return 42; }

task<duration> timed_sleep(reactor& on, duration time) {
  const time_point began = clock::now();
  EXPECT_TRUE(co_await sleep_for(on, time));
  co_return clock::now() - began;
}

TEST_P(coroutines, run_gives_the_value) {
  reactor on = open();
  EXPECT_EQ(run(on, answer()), 42);
}

TEST_P(coroutines, run_throws_on_the_exception) {
  reactor on = open();
  auto throwing = [](reactor& at) -> task<void> {
    co_await sleep_for(at, 1ms);
    throw std::runtime_error("on purpose");
  };
  EXPECT_THROW(run(on, throwing(on)), std::runtime_error);
}

TEST_P(coroutines, a_sleep_lasts_at_least_its_time) {
  reactor on = open();
  std::this_thread::sleep_for(20ms);  // the turn's clock is old by now
  const duration slept = run(on, timed_sleep(on, 15ms));
  EXPECT_GE(slept, 15ms);
  EXPECT_LT(slept, 1s);
}

TEST_P(coroutines, a_sleep_of_no_time_does_not_wait) {
  reactor on = open();
  const auto waits = on.counters().backend.waits;
  auto body = [](reactor& at) -> task<void> {
    for (int i = 0; i < 100'000; ++i) co_await sleep_for(at, 0s);
  };
  run(on, body(on));
  EXPECT_EQ(on.counters().backend.waits, waits);
}

TEST_P(coroutines, reschedule_lets_others_run_between) {
  reactor on = open();
  std::string order;
  auto body = [](reactor& at, std::string& notes, char name) -> task<void> {
    for (int i = 0; i < 3; ++i) {
      notes += name;
      co_await reschedule(at);
    }
  };
  spawn(on, body(on, order, 'a'));
  run(on, body(on, order, 'b'));
  EXPECT_EQ(order, "ababab");
}

TEST_P(coroutines, spawn_runs_at_once_up_to_the_first_wait) {
  reactor on = open();
  int step = 0;
  auto body = [](reactor& at, int& steps) -> task<void> {
    steps = 1;
    co_await reschedule(at);
    steps = 2;
  };
  spawn(on, body(on, step));
  EXPECT_EQ(step, 1);
  run(on, timed_sleep(on, 1ms));
  EXPECT_EQ(step, 2);
}

TEST_P(coroutines, an_exception_out_of_a_spawned_one_is_counted_and_logged) {
  reactor on = open();
  auto body = [](reactor& at) -> task<void> {
    co_await reschedule(at);
    throw std::runtime_error("on purpose");
  };
  spawn(on, body(on));
  EXPECT_EQ(on.counters().handler_exceptions, 0U);
  run(on, timed_sleep(on, 1ms));
  EXPECT_EQ(on.counters().handler_exceptions, 1U);
  ASSERT_EQ(log_.size(), 1U);
  EXPECT_EQ(log_[0], "spawned coroutine ended with an exception: on purpose");
}

TEST_P(coroutines, the_end_of_the_reactor_ends_a_spawned_sleep) {
  std::error_code why;
  {
    reactor on = open();
    auto body = [](reactor& at, std::error_code& noted) -> task<void> {
      auto slept = co_await sleep_for(at, 1h);
      if (!slept) noted = slept.error();
    };
    spawn(on, body(on, why));
    EXPECT_TRUE(on.drain(1s)) << "a drain does not wait for a sleeping coroutine";
    EXPECT_FALSE(why);
  }
  EXPECT_EQ(why, condition::cancelled);
}

INSTANTIATE_TEST_SUITE_P(backends, coroutines,
                         testing::Values(io::backend_kind::uring, io::backend_kind::epoll),
                         [](const auto& chosen) { return io::name_of(chosen.param); });

}  // namespace
}  // namespace myra
