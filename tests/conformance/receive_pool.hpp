// What receives of connections take from: the pool, or the area for zero-copy receive.
#pragma once

#include "myra/transport.hpp"

namespace myra::conformance {

[[nodiscard]] inline buffer_pool& receive_pool(reactor& on) {
  buffer_pool* area = on.internals().backend().receive_area_pool();
  return area != nullptr ? *area : on.internals().pool();
}

}  // namespace myra::conformance
