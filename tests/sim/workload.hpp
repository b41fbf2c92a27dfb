// What a seed of the simulation runs: servers and clients that check every byte, on hosts whose
// options, styles and faults the seed chooses.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "myra/reactor/world.hpp"

namespace myra::simtest {

/// No seed does less.
inline constexpr std::uint64_t connection_count_min = 10;
inline constexpr std::uint64_t completion_count_min = 1000;

struct seed_options {
  std::uint64_t seed = 1;
  /// Only these faults strike, of those that the seed has: for making a failing run shorter.
  std::optional<std::vector<sim::strike>> allowed = {};
  /// Told of each fault as it strikes: a run may end the program.
  std::function<void(const sim::strike&)> on_strike = {};
  /// Keep every moment, not only the last ones.
  bool keep_all = false;
};

struct seed_report {
  bool passed = false;
  std::uint64_t hash = 0;
  std::uint64_t connections = 0;
  std::uint64_t completions = 0;
  duration virtual_time{};
  std::vector<sim::strike> struck;
  std::array<std::uint64_t, sim::fault_count> counts{};
  std::vector<std::string> why;  ///< It failed, a line each.
  std::string story;             ///< Of a failure.
  std::string trace;             ///< With keep_all: a line for each moment.
};

/// The world that is running now, for a handler of fatal signals; null between runs.
[[nodiscard]] const sim::world* running_world() noexcept;

[[nodiscard]] seed_report run_seed(const seed_options& options);

}  // namespace myra::simtest
