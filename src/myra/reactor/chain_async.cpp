#include "myra/reactor/chain_async.hpp"

#include <cerrno>
#include <iterator>

namespace myra {

bool chain_awaiter::begin(std::coroutine_handle<> waiting, cancellation* scope) {
  if (scope != nullptr && scope->requested()) {
    outcome_ = report(kernel_error(-ECANCELED), "chain: the scope of its coroutine");
    return false;
  }
  auto begun = chain_.start([this, waiting](std::span<step_report> steps) noexcept {
    suspension::unlink();
    outcome_->assign(std::make_move_iterator(steps.begin()), std::make_move_iterator(steps.end()));
    waiting.resume();
  });
  if (!begun) {
    outcome_ = std::unexpected(std::move(begun.error()));
    return false;
  }
  if (scope != nullptr) scope->enter(*this);
  return true;
}

}  // namespace myra
