#include "myra/reactor/task_scope.hpp"

#include <exception>
#include <utility>

namespace myra {

/// The frame around a child. Its last act is to tell the scope, which may be gone when that
/// returns.
struct task_scope::child {
  struct leaving {
    task_scope& scope;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> ended) const noexcept {
      task_scope& left = scope;
      ended.destroy();
      if (--left.count_ == 0 && left.joining_ != nullptr) left.joining_->end();
    }
    void await_resume() const noexcept {}
  };

  class promise_type {
   public:
    promise_type(task_scope& scope, task<void>&) noexcept : scope_(scope) { ++scope_.count_; }

    child get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    leaving final_suspend() const noexcept { return {scope_}; }
    void return_void() const noexcept {}
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

    [[nodiscard]] cancellation* scope() const noexcept { return &scope_.cancellation_; }

   private:
    task_scope& scope_;
  };
};

task_scope::child task_scope::start(task_scope& scope, task<void> body) {
  try {
    task<void> running = std::move(body);
    co_await std::move(running);
  } catch (...) {
    note_exception(scope.loop_, "child of a task scope", std::current_exception());
  }
}

void task_scope::spawn(task<void> body) { start(*this, std::move(body)); }

void task_scope::joining::begin(std::coroutine_handle<> waiting, cancellation* outer) noexcept {
  assert(scope_.joining_ == nullptr && "one coroutine joins a scope at a time");
  waiting_ = waiting;
  scope_.joining_ = this;
  if (outer == nullptr) return;
  if (outer->requested()) {
    scope_.cancel();
  } else {
    outer->enter(*this);
  }
}

void task_scope::joining::end() noexcept {
  scope_.joining_ = nullptr;
  unlink();
  waiting_.resume();
}

void task_scope::joining::on_cancel(suspension& unwanted) noexcept {
  static_cast<joining&>(unwanted).scope_.cancel();
}

}  // namespace myra
