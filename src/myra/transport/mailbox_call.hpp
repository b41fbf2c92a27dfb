// The one place where a datagram socket's handler is called, and where what it throws is caught.
#pragma once

#include <exception>

#include "myra/transport/mailbox.hpp"

namespace myra {

template <class Call>
void mailbox::call_handler(Call call) noexcept {
  datagram_socket lent(this);
  try {
    call(lent);
  } catch (const std::exception& thrown) {
    handler_threw(thrown.what());
  } catch (...) {
    handler_threw("something that is not a std::exception");
  }
  assert(lent.mailbox_ == this && "a lent datagram socket was moved from");
  lent.mailbox_ = nullptr;  // it owned nothing
}

}  // namespace myra
