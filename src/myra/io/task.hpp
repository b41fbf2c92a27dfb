// A coroutine that yields one value.
//
//   task<std::size_t> count(connection peer) { ... co_return total; }
//
// Lazy: nothing runs before the task is awaited, spawned or run (myra/reactor/async.hpp). One
// allocation a call, for the frame. Thread: a task stays on the thread that started it.
//
// GCC 12.2 miscompiles a coroutine that awaits in a condition, `if (co_await x)`, and declares no
// variable in its body. With any declaration, `if (auto y = co_await x)` among them, it is right.
#pragma once

#include <cassert>
#include <concepts>
#include <coroutine>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

#include "myra/io/cancellation.hpp"
#include "myra/io/task.fwd.hpp"

namespace myra {

/// What the promises of all tasks share.
class task_promise_base {
 public:
  /// At its end a task goes on with its awaiter, unless it ended before its awaiter had to suspend.
  struct resume_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
      const std::coroutine_handle<> next = ended.promise().awaiter_;
      return next ? next : std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  resume_awaiter final_suspend() const noexcept { return {}; }

  /// The scope that the task runs in; null when nobody can cancel it.
  [[nodiscard]] cancellation* scope() const noexcept { return scope_; }

 private:
  template <class T>
  friend class task;
  std::coroutine_handle<> awaiter_;
  cancellation* scope_ = nullptr;
};

/// The scope of a coroutine of any type; null when its type knows of none.
template <class Promise>
[[nodiscard]] cancellation* scope_of(std::coroutine_handle<Promise> coroutine) noexcept {
  if constexpr (requires { coroutine.promise().scope(); }) {
    return coroutine.promise().scope();
  } else {
    return nullptr;
  }
}

template <class T>
class task_promise : public task_promise_base {
  static_assert(std::is_object_v<T>, "a task yields a value; for a reference use a pointer");

 public:
  task<T> get_return_object() noexcept;

  template <class Value = T>
    requires std::constructible_from<T, Value>
  void return_value(Value&& value) {
    outcome_.template emplace<1>(std::forward<Value>(value));
  }
  void unhandled_exception() noexcept { outcome_.template emplace<2>(std::current_exception()); }

  T take() {
    if (outcome_.index() == 2) std::rethrow_exception(std::get<2>(outcome_));
    return std::move(std::get<1>(outcome_));
  }

 private:
  std::variant<std::monostate, T, std::exception_ptr> outcome_;
};

template <>
class task_promise<void> : public task_promise_base {
 public:
  task<void> get_return_object() noexcept;

  void return_void() const noexcept {}
  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

  void take() {
    if (thrown_) std::rethrow_exception(thrown_);
  }

 private:
  std::exception_ptr thrown_;
};

/// Owns its frame. To destroy one that waits for an operation is a bug: the awaiters assert. Scopes
/// cancel and wait.
template <class T>
class [[nodiscard]] task {
 public:
  using promise_type = task_promise<T>;

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    if (this != &other) {
      destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~task() { destroy(); }

  /// Runs the task up to its end or its first wait, in `scope` (null: nobody cancels it). Once, and
  /// for those who drive tasks without being coroutines; everybody else writes co_await.
  void start(cancellation* scope) {
    assert(frame_ && !frame_.done());
    frame_.promise().scope_ = scope;
    frame_.resume();
  }
  [[nodiscard]] bool done() const noexcept { return frame_.done(); }
  /// The value of a task that is done, or the exception that ended it. Once.
  T take() { return frame_.promise().take(); }

  /// The frame, which the caller has to destroy.
  [[nodiscard]] std::coroutine_handle<> release() && noexcept {
    return std::exchange(frame_, nullptr);
  }

  /// Awaiting runs the task; the value is moved out, an exception is thrown on. When the task ends
  /// without waiting, so does its awaiter: chains of ready tasks use no stack, whatever the
  /// compiler's optimisation.
  class awaiter {
   public:
    explicit awaiter(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    bool await_suspend(std::coroutine_handle<Promise> waiting) const {
      frame_.promise().scope_ = scope_of(waiting);
      frame_.resume();
      if (frame_.done()) return false;
      frame_.promise().awaiter_ = waiting;
      return true;
    }
    T await_resume() const { return frame_.promise().take(); }

   private:
    std::coroutine_handle<promise_type> frame_;
  };

  awaiter operator co_await() && noexcept {
    assert(frame_ && !frame_.done() && "a task is awaited once");
    return awaiter(frame_);
  }

 private:
  friend promise_type;
  explicit task(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

  void destroy() noexcept {
    if (frame_) frame_.destroy();
  }

  std::coroutine_handle<promise_type> frame_;
};

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}

inline task<void> task_promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

}  // namespace myra
