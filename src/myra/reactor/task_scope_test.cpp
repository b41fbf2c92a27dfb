#include "myra/reactor/task_scope.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace myra {
namespace {

using namespace std::chrono_literals;

class task_scopes : public testing::Test {
 protected:
  static reactor open() {
    reactor_options options;
    options.backend = io::backend_kind::epoll;
    auto opened = reactor::open(options);
    if (!opened) throw std::runtime_error(describe(opened.error()));
    return std::move(*opened);
  }
};

task<void> sleeper(reactor& on, duration time, int& slept, int& cancelled) {
  const auto ended = co_await sleep_for(on, time);
  if (ended) {
    ++slept;
  } else {
    ++cancelled;
  }
}

TEST_F(task_scopes, join_waits_for_all_children) {
  reactor on = open();
  auto body = [](reactor& at) -> task<int> {
    int slept = 0;
    int cancelled = 0;
    task_scope children(at);
    for (int i = 1; i <= 5; ++i) children.spawn(sleeper(at, i * 1ms, slept, cancelled));
    EXPECT_EQ(children.count(), 5U);
    co_await children.join();
    EXPECT_EQ(children.count(), 0U);
    EXPECT_EQ(cancelled, 0);
    co_return slept;
  };
  EXPECT_EQ(run(on, body(on)), 5);
}

TEST_F(task_scopes, join_of_no_children_does_not_wait) {
  reactor on = open();
  auto body = [](reactor& at) -> task<void> {
    int slept = 0;
    int cancelled = 0;
    task_scope children(at);
    children.spawn(sleeper(at, 0s, slept, cancelled));
    for (int i = 0; i < 100'000; ++i) co_await children.join();
  };
  const auto waits = on.counters().backend.waits;
  run(on, body(on));
  EXPECT_EQ(on.counters().backend.waits, waits);
}

TEST_F(task_scopes, cancel_ends_every_wait_of_the_children) {
  reactor on = open();
  auto body = [](reactor& at) -> task<int> {
    int slept = 0;
    int cancelled = 0;
    task_scope children(at);
    for (int i = 0; i < 5; ++i) children.spawn(sleeper(at, 1h, slept, cancelled));
    co_await sleep_for(at, 1ms);
    children.cancel();
    EXPECT_EQ(cancelled, 0) << "nothing is resumed from inside cancel";
    children.spawn(sleeper(at, 1h, slept, cancelled));
    EXPECT_EQ(cancelled, 1) << "a wait that begins after the cancel ends at once";
    co_await children.join();
    EXPECT_EQ(slept, 0);
    co_return cancelled;
  };
  EXPECT_EQ(run(on, body(on)), 6);
}

TEST_F(task_scopes, cancelling_the_one_who_joins_cancels_the_children) {
  reactor on = open();
  int slept = 0;
  int cancelled = 0;
  auto middle = [](reactor& at, int& done, int& ended) -> task<void> {
    task_scope inner(at);
    inner.spawn(sleeper(at, 1h, done, ended));
    co_await inner.join();
  };
  auto outer = [](reactor& at, auto make, int& done, int& ended) -> task<void> {
    task_scope children(at);
    children.spawn(make(at, done, ended));
    co_await sleep_for(at, 1ms);
    children.cancel();
    co_await children.join();
  };
  run(on, outer(on, middle, slept, cancelled));
  EXPECT_EQ(slept, 0);
  EXPECT_EQ(cancelled, 1);
}

TEST_F(task_scopes, a_child_that_throws_is_counted_and_harms_no_other) {
  reactor on = open();
  auto throwing = []() -> task<void> {
    throw std::runtime_error("on purpose");
    co_return;
  };
  auto body = [](reactor& at, auto make) -> task<int> {
    int slept = 0;
    int cancelled = 0;
    task_scope children(at);
    children.spawn(make());
    children.spawn(sleeper(at, 1ms, slept, cancelled));
    co_await children.join();
    co_return slept;
  };
  EXPECT_EQ(run(on, body(on, throwing)), 1);
  EXPECT_EQ(on.counters().handler_exceptions, 1U);
}

}  // namespace
}  // namespace myra
