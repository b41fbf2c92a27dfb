// Operations one after the other, linked through themselves: first in, first out, no allocation.
#pragma once

#include <utility>

#include "myra/io/operation.hpp"

namespace myra::io {

/// An operation is in one queue at a time.
class operation_queue {
 public:
  [[nodiscard]] bool empty() const noexcept { return first_ == nullptr; }

  void push_back(operation& added) noexcept {
    added.backend_next = nullptr;
    (first_ == nullptr ? first_ : last_->backend_next) = &added;
    last_ = &added;
  }

  /// The first one, taken out; null when empty.
  [[nodiscard]] operation* pop_front() noexcept {
    operation* taken = first_;
    if (taken != nullptr) first_ = taken->backend_next;
    return taken;
  }

  /// All that is in it now; leaves it empty.
  [[nodiscard]] operation_queue take() noexcept {
    operation_queue taken = *this;
    first_ = nullptr;
    return taken;
  }

 private:
  operation* first_ = nullptr;
  operation* last_ = nullptr;
};

}  // namespace myra::io
