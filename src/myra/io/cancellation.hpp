// Cancelling coroutines from outside: a scope knows what its coroutines wait for, and ends the
// waits.
//
// Every task inherits the scope of the task that awaits it. An awaiter that can end early enters
// its wait into that scope; nothing has to be passed from call to call. Thread: all of it on the
// loop's.
#pragma once

#include <cassert>

#include "myra/core/intrusive_list.hpp"

namespace myra {

struct suspension_tag;

/// The wait of one coroutine, as its scope sees it. Part of an awaiter, thus of the frame that
/// waits.
class suspension : public list_node<suspension_tag> {
 public:
  using callback = void (*)(suspension& unwanted) noexcept;
  explicit suspension(callback on_cancel) noexcept : on_cancel_(on_cancel) {}
  ~suspension() { unlink(); }

  /// Asks the wait to end early. The coroutine is resumed later, never from inside this call.
  void cancel() noexcept { on_cancel_(*this); }

 private:
  callback on_cancel_;
};

/// What a scope holds: the waits inside it, and whether they are still wanted. It outlives its
/// coroutines.
class cancellation {
 public:
  [[nodiscard]] bool requested() const noexcept { return requested_; }

  /// Ends all present waits, and every later one as it begins. A wait that has what it waits for is
  /// not harmed.
  void request() noexcept {
    requested_ = true;
    while (suspension* unwanted = waits_.pop_front()) unwanted->cancel();
  }

  /// Only when not requested. The suspension leaves when it is unlinked.
  void enter(suspension& wait) noexcept {
    assert(!requested_);
    waits_.push_back(wait);
  }

 private:
  intrusive_list<suspension, suspension_tag> waits_;
  bool requested_ = false;
};

}  // namespace myra
