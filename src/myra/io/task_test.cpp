#include "myra/io/task.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace myra {
namespace {

/// A wait that the test ends by hand.
struct gate {
  std::coroutine_handle<> waiting;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> caller) noexcept { waiting = caller; }
  void await_resume() const noexcept {}
  void open() { std::exchange(waiting, nullptr).resume(); }
};

task<int> ready(int value) { co_return value; }

task<int> behind(gate& awaited, int value) {
  co_await awaited;
  co_return value;
}

task<void> throwing() {
  throw std::runtime_error("on purpose");
  co_return;
}

task<std::unique_ptr<int>> movable(int value) { co_return std::make_unique<int>(value); }

TEST(task, runs_nothing_before_it_is_started) {
  bool ran = false;
  auto body = [](bool& flag) -> task<void> {
    flag = true;
    co_return;
  };
  {
    task<void> dropped = body(ran);
  }
  EXPECT_FALSE(ran);
  task<void> started = body(ran);
  started.start(nullptr);
  EXPECT_TRUE(ran);
  EXPECT_TRUE(started.done());
}

TEST(task, yields_the_value_of_the_task_that_it_awaits) {
  auto sum = []() -> task<int> {
    const int one = co_await ready(1);
    co_return one + co_await ready(2);
  }();
  sum.start(nullptr);
  ASSERT_TRUE(sum.done());
  EXPECT_EQ(sum.take(), 3);
}

TEST(task, moves_a_value_that_cannot_be_copied) {
  auto outer = []() -> task<std::unique_ptr<int>> { co_return co_await movable(7); }();
  outer.start(nullptr);
  EXPECT_EQ(*outer.take(), 7);
}

TEST(task, goes_on_when_what_it_waits_for_has_come) {
  gate awaited;
  auto outer = [](gate& inner) -> task<int> {
    const int first = co_await behind(inner, 20);
    const int second = co_await behind(inner, 22);
    co_return first + second;
  }(awaited);
  outer.start(nullptr);
  EXPECT_FALSE(outer.done());
  awaited.open();
  EXPECT_FALSE(outer.done());
  awaited.open();
  ASSERT_TRUE(outer.done());
  EXPECT_EQ(outer.take(), 42);
}

TEST(task, rethrows_where_it_is_awaited) {
  auto catching = []() -> task<std::string> {
    std::string what;
    try {
      co_await throwing();
    } catch (const std::runtime_error& thrown) {
      what = thrown.what();
    }
    co_return what;
  }();
  catching.start(nullptr);
  EXPECT_EQ(catching.take(), "on purpose");
}

TEST(task, rethrows_where_it_is_taken) {
  task<void> body = throwing();
  body.start(nullptr);
  EXPECT_TRUE(body.done());
  EXPECT_THROW(body.take(), std::runtime_error);
}

TEST(task, rethrows_after_a_wait) {
  gate awaited;
  auto outer = [](gate& inner) -> task<int> {
    auto fails = [](gate& innermost) -> task<int> {
      co_await innermost;
      throw std::runtime_error("late");
    };
    int seen = 0;
    try {
      seen = co_await fails(inner);
    } catch (const std::runtime_error&) {
      seen = -1;
    }
    co_return seen;
  }(awaited);
  outer.start(nullptr);
  awaited.open();
  EXPECT_EQ(outer.take(), -1);
}

TEST(task, a_million_ready_awaits_use_no_stack) {
  auto counting = []() -> task<long> {
    long sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += co_await ready(i);
    co_return sum;
  }();
  counting.start(nullptr);
  ASSERT_TRUE(counting.done());
  EXPECT_EQ(counting.take(), 499'999'500'000L);
}

TEST(task, a_wait_in_the_middle_of_ready_awaits_uses_no_stack_either) {
  gate awaited;
  auto counting = [](gate& inner) -> task<long> {
    long sum = co_await behind(inner, 0);
    for (int i = 0; i < 1'000'000; ++i) sum += co_await ready(i);
    co_return sum;
  }(awaited);
  counting.start(nullptr);
  awaited.open();
  ASSERT_TRUE(counting.done());
  EXPECT_EQ(counting.take(), 499'999'500'000L);
}

/// Notes its destruction, to see the life of what a frame holds.
struct noting {
  std::vector<std::string>* notes;
  std::string name;
  noting(std::vector<std::string>& to, std::string called) : notes(&to), name(std::move(called)) {}
  noting(noting&& other) noexcept : notes(std::exchange(other.notes, nullptr)), name(other.name) {}
  ~noting() {
    if (notes != nullptr) notes->push_back(name);
  }
};

TEST(task, destroys_arguments_and_locals_once) {
  std::vector<std::string> notes;
  auto inner = [](noting argument, std::vector<std::string>& to) -> task<int> {
    noting local(to, "local");
    co_return argument.notes == nullptr ? 0 : 1;
  };
  auto outer = [](std::vector<std::string>& to, auto call) -> task<int> {
    co_return co_await call(noting(to, "argument"), to);
  }(notes, inner);
  outer.start(nullptr);
  EXPECT_EQ(outer.take(), 1);
  EXPECT_EQ(notes, (std::vector<std::string>{"local", "argument"}));
}

/// A wait that its scope can end.
class cancellable : suspension {
 public:
  cancellable() noexcept : suspension(&cancellable::on_cancel) {}
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> caller) noexcept {
    cancellation* scope = scope_of(caller);
    if (scope == nullptr || scope->requested()) return false;
    scope->enter(*this);
    waiting_ = caller;
    return true;
  }
  bool await_resume() const noexcept { return cancelled_; }
  void resume() { waiting_.resume(); }

 private:
  static void on_cancel(suspension& unwanted) noexcept {
    static_cast<cancellable&>(unwanted).cancelled_ = true;
  }
  std::coroutine_handle<> waiting_;
  bool cancelled_ = false;
};

TEST(task, inherits_the_scope_of_its_awaiter) {
  cancellation scope;
  cancellable wait;
  auto outer = [](cancellable& awaited) -> task<bool> {
    auto inner = [](cancellable& innermost) -> task<bool> { co_return co_await innermost; };
    co_return co_await inner(awaited);
  }(wait);
  outer.start(&scope);
  ASSERT_FALSE(outer.done());
  scope.request();
  ASSERT_FALSE(outer.done()) << "cancelling resumes nothing by itself";
  wait.resume();
  EXPECT_TRUE(outer.take());
}

TEST(task, waits_no_more_in_a_scope_that_was_cancelled) {
  cancellation scope;
  scope.request();
  cancellable wait;
  auto body = [](cancellable& awaited) -> task<void> { co_await awaited; }(wait);
  body.start(&scope);
  EXPECT_TRUE(body.done());
}

}  // namespace
}  // namespace myra
