// myra probe --live: the counters of a server that runs, read from its metrics port.
#pragma once

#include <string>

#include "myra/core/clock.hpp"

namespace myra::tool {

struct live_options {
  std::string address;  ///< Of the metrics port, as endpoint::parse reads it; empty: no live probe.
  bool once = false;    ///< Print one snapshot and end, on a terminal as well.
  bool json = false;    ///< One JSON object, of one snapshot.
  duration every = std::chrono::seconds(1);
};

/// On a terminal shows a table and brings it up to date until it is ended; elsewhere prints one.
/// Returns the exit status: 0, or 1 when the server could not be asked, with a line that says why.
int run_live(const live_options& options);

}  // namespace myra::tool
