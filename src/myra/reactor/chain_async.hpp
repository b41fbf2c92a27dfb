// The coroutine form of a chain:
//
//   auto steps = co_await reactor.chain().connect(socket, to).send(socket,
//   hello).with_deadline(1s);
//
// Thread: the reactor's.
#pragma once

#include <coroutine>
#include <vector>

#include "myra/io/cancellation.hpp"
#include "myra/io/task.hpp"
#include "myra/reactor/chain.hpp"

namespace myra {

/// Awaits all steps: opened<std::vector<step_report>>. Errors: those of operation_chain::start, and
/// cancelled when the scope of the coroutine had been cancelled before. When that happens during
/// the chain, the reports tell how far it came.
class chain_awaiter : suspension {
 public:
  explicit chain_awaiter(operation_chain& steps) noexcept
      : suspension(&chain_awaiter::on_cancel), chain_(steps) {}
  ~chain_awaiter() { assert(!chain_.running() && "coroutine destroyed while its chain runs"); }

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> waiting) {
    return begin(waiting, scope_of(waiting));
  }
  opened<std::vector<step_report>> await_resume() { return std::move(outcome_); }

 private:
  bool begin(std::coroutine_handle<> waiting, cancellation* scope);
  static void on_cancel(suspension& unwanted) noexcept {
    static_cast<chain_awaiter&>(unwanted).chain_.cancel();
  }

  operation_chain& chain_;
  opened<std::vector<step_report>> outcome_;
};

[[nodiscard]] inline chain_awaiter operator co_await(operation_chain& steps) noexcept {
  return chain_awaiter(steps);
}

}  // namespace myra
