#include "shrink.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace myra::simtest {
namespace {

using strikes = std::vector<sim::strike>;

constexpr int run_max = 400;

void be_quiet() {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0) ::dup2(nowhere, STDERR_FILENO);
}

/// Whether the seed fails with only these faults. What struck then is in `shared`.
bool fails(std::uint64_t seed, const std::optional<strikes>& allowed, progress& shared) {
  shared.strike_count = 0;
  const auto note = [&shared](const sim::strike& struck) {
    if (shared.strike_count < progress::strike_max) shared.strikes[shared.strike_count++] = struck;
  };
  return run_child([&] {
           be_quiet();
           const seed_report made = run_seed({.seed = seed, .allowed = allowed, .on_strike = note});
           std::_Exit(made.passed ? 0 : 1);
         }) != 0;
}

strikes without(const strikes& all, std::size_t from, std::size_t count) {
  strikes left(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(from));
  const std::size_t behind = std::min(all.size(), from + count);
  left.insert(left.end(), all.begin() + static_cast<std::ptrdiff_t>(behind), all.end());
  return left;
}

/// Delta debugging (Zeller and Hildebrandt, 2002): leaves out parts, from halves to single ones, as
/// long as it still fails.
strikes fewest(std::uint64_t seed, strikes needed, progress& shared) {
  int runs = 0;
  for (std::size_t part = std::max<std::size_t>(needed.size(), 1); part > 0; part /= 2) {
    for (std::size_t from = 0; from < needed.size() && runs < run_max; ++runs) {
      strikes fewer = without(needed, from, part);
      if (!fails(seed, fewer, shared)) {
        from += part;
        continue;
      }
      // Of what was allowed, only what struck counts.
      const strikes struck(
          shared.strikes.begin(),
          shared.strikes.begin() + static_cast<std::ptrdiff_t>(shared.strike_count));
      needed = struck.size() < fewer.size() ? struck : std::move(fewer);
    }
  }
  return needed;
}

}  // namespace

void make_shorter(std::uint64_t seed, progress& shared) {
  if (!fails(seed, std::nullopt, shared)) {
    std::printf("  it passes when it is run again: what it does depends on more than the seed\n");
    return;
  }
  const strikes all(shared.strikes.begin(),
                    shared.strikes.begin() + static_cast<std::ptrdiff_t>(shared.strike_count));
  const strikes needed = fewest(seed, all, shared);
  std::printf("  of its %zu faults %zu are needed:\n", all.size(), needed.size());
  for (const sim::strike& each : needed)
    std::printf("    %s, at #%u, the %u. time\n", name_of(each.kind), each.site, each.ordinal + 1);
  const int code = run_child([&] {
    const seed_report made = run_seed({.seed = seed, .allowed = needed});
    std::fputs(made.story.c_str(), stderr);
    std::_Exit(made.passed ? 0 : 1);
  });
  std::printf("  with these it ends with code %d\n", code);
}

}  // namespace myra::simtest
