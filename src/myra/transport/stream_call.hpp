// The one place where a connection's handler is called, and where what it throws is caught.
#pragma once

#include <exception>

#include "myra/transport/stream.hpp"

namespace myra {

template <class Call>
[[gnu::always_inline]] inline void stream::lend(Call&& call) noexcept {
  // Held from the start: who moves the connection out is its owner at once, and may be done with it
  // before the call returns.
  const bool was_held = held_;
  held_ = true;
  connection lent(this);
  call(lent);
  if (lent.stream_ == nullptr) return;
  lent.stream_ = nullptr;
  if (!was_held) held_ = false;
}

template <class Call>
[[gnu::always_inline]] inline void stream::call_handler(Call call) noexcept {
  lend([&](connection& peer) noexcept {
    try {
      call(peer);
    } catch (const std::exception& thrown) {
      handler_threw(thrown.what());
    } catch (...) {
      handler_threw("something that is not a std::exception");
    }
  });
}

}  // namespace myra
