// Coroutines that end before the one that started them does.
//
//   task_scope children(reactor);
//   children.spawn(pump(from, to));
//   children.spawn(pump(to, from));
//   co_await children.join();
#pragma once

#include <cassert>
#include <coroutine>
#include <cstddef>

#include "myra/reactor/async.hpp"

namespace myra {

/// Holds the children's cancellation; cancels and waits. To destroy it with a child alive is a bug:
/// join first. Thread: the reactor's.
class task_scope {
 public:
  explicit task_scope(loop& on) noexcept : loop_(on) {}
  explicit task_scope(reactor& on) noexcept : loop_(on.internals()) {}
  task_scope(const task_scope&) = delete;
  task_scope& operator=(const task_scope&) = delete;
  ~task_scope() { assert(count_ == 0 && "scope destroyed before its children ended"); }

  /// Starts a child, which runs at once up to its first wait. An exception out of it is counted and
  /// logged, as for `myra::spawn`, and harms no other child.
  void spawn(task<void> body);

  /// Ends every wait of the children, present and later, with condition::cancelled. Does not wait
  /// itself.
  void cancel() noexcept { cancellation_.request(); }

  /// Children that have not ended.
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

  /// Waits until no child is left; one coroutine at a time. When the waiting coroutine is
  /// cancelled, the children are cancelled, and still waited for.
  class joining : suspension {
   public:
    explicit joining(task_scope& joined) noexcept
        : suspension(&joining::on_cancel), scope_(joined) {}
    ~joining() { assert(scope_.joining_ != this && "coroutine destroyed while it joins"); }

    bool await_ready() const noexcept { return scope_.count_ == 0; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
      begin(waiting, scope_of(waiting));
    }
    void await_resume() const noexcept {}

   private:
    friend task_scope;
    void begin(std::coroutine_handle<> waiting, cancellation* outer) noexcept;
    void end() noexcept;
    static void on_cancel(suspension& unwanted) noexcept;

    task_scope& scope_;
    std::coroutine_handle<> waiting_;
  };
  [[nodiscard]] joining join() noexcept { return joining(*this); }

 private:
  struct child;
  static child start(task_scope& scope, task<void> body);

  loop& loop_;
  cancellation cancellation_;
  std::size_t count_ = 0;
  joining* joining_ = nullptr;
};

}  // namespace myra
