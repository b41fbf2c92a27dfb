// Many seeds, one after the other, in a process of their own, so that a run that ends its process
// is a failure like any other; and a failure made shorter.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "workload.hpp"

namespace myra::simtest {

/// What a child tells its parent through shared memory, as it goes.
struct progress {
  static constexpr std::size_t strike_max = 100'000;
  std::uint64_t seed = 0;
  std::uint64_t passed = 0;
  std::uint64_t connections = 0;
  std::uint64_t completions = 0;
  std::uint64_t replayed = 0;
  std::int64_t virtual_ns = 0;
  std::array<std::uint64_t, sim::fault_count> counts{};
  std::size_t strike_count = 0;  ///< Of the last run that was asked to note them.
  std::array<sim::strike, strike_max> strikes{};
};

struct campaign_options {
  std::uint64_t from = 1;
  std::uint64_t count = 1;
  /// The first so many seeds are run twice and have to leave the same trace.
  std::uint64_t replays = 0;
  std::uint64_t failure_max = 3;
  /// Ends at the first one that fails, without making it shorter.
  bool first_only = false;
};

/// Prints failures as it goes, and the sums at the end. The exit code of the program.
[[nodiscard]] int run_campaign(const campaign_options& options);

}  // namespace myra::simtest
