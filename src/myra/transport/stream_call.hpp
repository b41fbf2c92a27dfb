// The one place where a connection's handler is called, and where what it throws is caught.
#pragma once

#include <exception>

#include "myra/transport/stream.hpp"

namespace myra {

template <class Call>
void stream::call_handler(Call call) noexcept {
  connection lent(this);
  try {
    call(lent);
  } catch (const std::exception& thrown) {
    handler_threw(thrown.what());
  } catch (...) {
    handler_threw("something that is not a std::exception");
  }
  // A handler may keep the connection by moving it out of the reference that it was lent.
  if (lent.stream_ == nullptr)
    held_ = true;
  else
    lent.stream_ = nullptr;
}

}  // namespace myra
