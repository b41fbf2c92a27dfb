// A fault at every place: each completion of a scenario fails with each errno, once and for ever.
//
// A scenario is a server with some clients whose bytes are known. With nothing failing all of them
// are served. Then, for each k, the k-th operation of one host that could go on fails: the run has
// to end by its deadline, with every client served or told of an error that the table has, with
// nobody harmed but whom it befell, and not even that where the operation is tried again, and with
// nothing left over.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "myra/io/sim/faults.hpp"

namespace myra::simtest {

/// No scenario has fewer operations that may fail.
inline constexpr std::uint64_t sweep_operation_min = 200;

struct sweep_outcome {
  std::uint64_t operations = 0;  ///< That could have failed.
  bool struck = false;
  int clients_failed = 0;
  /// What was wrong; empty: as it should be.
  std::string wrong;
  std::string story;
};

[[nodiscard]] const std::vector<std::string>& sweep_scenarios();

/// One run of the `scenario`-th.
[[nodiscard]] sweep_outcome run_swept(std::size_t scenario, const sim::failure& chosen);

/// The errnos of the sweep.
[[nodiscard]] const std::vector<int>& sweep_errors();

}  // namespace myra::simtest
