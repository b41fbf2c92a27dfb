// What the cases run on: each backend, and io_uring again with each feature in use switched off.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "myra/reactor/options.hpp"

namespace myra::conformance {

struct variant {
  std::string name;
  reactor_options options;
  friend std::ostream& operator<<(std::ostream& out, const variant& shown) { return out << shown.name; }
};

/// All of them. With MYRA_CONFORMANCE_BACKEND=automatic in the environment: one, on the backend that `automatic` takes.
[[nodiscard]] std::vector<variant> variants();

}  // namespace myra::conformance
