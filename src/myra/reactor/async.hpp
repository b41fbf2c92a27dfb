// Coroutines on a reactor: starting them, sleeping in them, and driving the loop until one is done.
//
//   task<> tick(reactor& on) {
//     while (auto slept = co_await sleep_for(on, 1s)) std::puts("tick");  // until the reactor ends
//   }
//
// Thread: the reactor's.
#pragma once

#include <cerrno>
#include <coroutine>
#include <exception>
#include <system_error>

#include "myra/core/error.hpp"
#include "myra/core/result.hpp"
#include "myra/io/cancellation.hpp"
#include "myra/io/task.hpp"
#include "myra/reactor/loop.hpp"
#include "myra/reactor/reactor.hpp"

namespace myra {

/// Starts `body`, which belongs to the loop from now on: it runs at once up to its first wait. An
/// exception out of it is counted (loop_counters::handler_exceptions) and logged. A drain does not
/// wait for it; when the reactor is destroyed its waits end with condition::cancelled, and the
/// destructor waits until it has returned.
void spawn(loop& on, task<void> body);
inline void spawn(reactor& on, task<void> body) { spawn(on.internals(), std::move(body)); }

/// Counts and logs an exception that nobody above will catch.
void note_exception(loop& on, const std::string& where, const std::exception_ptr& thrown) noexcept;

/// What `sleep_for` says: to be awaited. Gives result<void>: an error, condition::cancelled, when
/// its scope was cancelled before the time was over.
class sleeping : timer, suspension {
 public:
  sleeping(loop& on, duration time) noexcept
      : timer(&sleeping::on_fire), suspension(&sleeping::on_cancel), loop_(on), time_(time) {}
  ~sleeping() { assert(!timer::armed() && "coroutine destroyed while it sleeps"); }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
    return begin(waiting, scope_of(waiting));
  }
  result<void> await_resume() const noexcept {
    if (cancelled_) return failure(kernel_error(-ECANCELED));
    return {};
  }

 private:
  bool begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept;
  static void on_fire(timer& fired) noexcept;
  static void on_cancel(suspension& unwanted) noexcept;

  loop& loop_;
  duration time_;
  std::coroutine_handle<> waiting_;
  bool cancelled_ = false;
};

/// Goes on after `time`, never earlier. A time of zero or less does not wait.
[[nodiscard]] inline sleeping sleep_for(loop& on, duration time) noexcept { return {on, time}; }
[[nodiscard]] inline sleeping sleep_for(reactor& on, duration time) noexcept {
  return {on.internals(), time};
}

/// What `reschedule` says: to be awaited.
class rescheduling : deferred {
 public:
  explicit rescheduling(loop& on) noexcept : deferred(&rescheduling::on_turn), loop_(on) {}
  ~rescheduling() { assert(!linked() && "coroutine destroyed while it waits for its turn"); }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept {
    waiting_ = waiting;
    loop_.defer(*this);
  }
  void await_resume() const noexcept {}

 private:
  static void on_turn(deferred& called) noexcept;

  loop& loop_;
  std::coroutine_handle<> waiting_;
};

/// Lets everything else that is ready run first: goes on in the next turn. For long computations
/// between waits.
[[nodiscard]] inline rescheduling reschedule(loop& on) noexcept { return rescheduling(on); }
[[nodiscard]] inline rescheduling reschedule(reactor& on) noexcept {
  return rescheduling(on.internals());
}

/// `body`, whose end ends the turn that it happens in: a turn may be about to sleep when it resumes
/// coroutines.
template <class T>
task<T> ending_the_turn(loop& on, task<T> body) {
  struct at_end {
    loop& on;
    ~at_end() { on.hasten(); }
  } const end{on};
  co_return co_await std::move(body);
}

/// Drives the reactor until `body` is done; for mains and tests. Gives its value or throws on its
/// exception. When the backend fails it throws std::system_error and gives up the task's frame,
/// which the kernel may still write to.
template <class T>
T run(loop& on, task<T> body) {
  task<T> running = ending_the_turn(on, std::move(body));
  on.begin_turns();
  running.start(nullptr);
  while (!running.done()) {
    if (auto turned = on.turn(never); !turned) {
      static_cast<void>(std::move(running).release());
      throw std::system_error(turned.error(), "the reactor's backend failed");
    }
  }
  on.end_turns();
  return running.take();
}
template <class T>
T run(reactor& on, task<T> body) {
  return run(on.internals(), std::move(body));
}

}  // namespace myra
