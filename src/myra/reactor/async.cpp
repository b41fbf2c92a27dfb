#include "myra/reactor/async.hpp"

#include <cerrno>
#include <exception>
#include <string>

namespace myra {
namespace {

/// The frame around a spawned task: takes part in the loop's end, and frees itself.
struct spawned {
  class promise_type final : public drainable {
   public:
    promise_type(loop& on, task<void>&) noexcept { on.enlist(*this); }

    spawned get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    // The body catches everything; what comes here was thrown by the catching itself.
    [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }

    [[nodiscard]] cancellation* scope() noexcept { return &scope_; }

    void drain() noexcept override {}
    void cut() noexcept override { scope_.request(); }
    [[nodiscard]] bool drained() const noexcept override { return !scope_.requested(); }

   private:
    cancellation scope_;
  };
};

spawned start(loop& on, task<void> body) {
  try {
    // Gone, with all that its frame holds, before the wrapper's promise leaves the loop.
    task<void> running = std::move(body);
    co_await std::move(running);
  } catch (...) {
    note_exception(on, "spawned coroutine", std::current_exception());
  }
}

std::string words_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& known) {
    return known.what();
  } catch (...) {
    return "not a std::exception";
  }
}

}  // namespace

void spawn(loop& on, task<void> body) { start(on, std::move(body)); }

void note_exception(loop& on, const std::string& where, const std::exception_ptr& thrown) noexcept {
  ++on.tally().handler_exceptions;
  on.log()(log_level::error, where + " ended with an exception: " + words_of(thrown));
}

bool sleeping::begin(std::coroutine_handle<> waiting, cancellation* scope) noexcept {
  if (time_ <= duration::zero()) return false;
  if (scope != nullptr) {
    cancelled_ = scope->requested();
    if (cancelled_) return false;
    scope->enter(*this);
  }
  waiting_ = waiting;
  // The clock itself and not the turn's: a handler that computed for long would have its sleep cut
  // short.
  loop_.timers().arm(*this, after(loop_.backend().now(), time_));
  return true;
}

void sleeping::on_fire(timer& fired) noexcept {
  auto& self = static_cast<sleeping&>(fired);
  self.suspension::unlink();
  self.waiting_.resume();
}

void sleeping::on_cancel(suspension& unwanted) noexcept {
  auto& self = static_cast<sleeping&>(unwanted);
  self.cancelled_ = true;
  self.loop_.timers().arm(self, self.loop_.now());
}

void rescheduling::on_turn(deferred& called) noexcept {
  static_cast<rescheduling&>(called).waiting_.resume();
}

}  // namespace myra
