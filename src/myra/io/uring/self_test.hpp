// What receives use is tried before it is used: a pattern is streamed over two loopback connections
// through a small ring, and what does not bring back the same bytes is left unused. Kernels have
// got the order of bundles and of incremental buffers wrong (axboe/liburing#1423).
//
// Thread safety: any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "myra/core/bytes.hpp"
#include "myra/core/clock.hpp"
#include "myra/io/uring/uring.hpp"

namespace myra::io {

struct failed_feature {
  bool feature_switches::* feature;
  const char* name;  ///< As the probe calls it.
  std::string why;   ///< A sentence.
};

struct self_test_report {
  /// Why receives do not work at all, with none of these features; empty: they do.
  std::string unusable;
  std::vector<failed_feature> wrong;
  /// What could not be tried, for want of descriptors or memory: as it may be wrong, it is left
  /// unused as well.
  std::vector<failed_feature> untried;
  bool memory_short = false;  ///< It was memory (RLIMIT_MEMLOCK).
  duration lasted{};
};

/// What becomes of bytes on their way, as a kernel that gets a feature wrong would have it: may
/// change them; false loses them. `on_trial` has the features of the trial.
using trial_wire = std::function<bool(const feature_switches& on_trial, mutable_byte_view bytes)>;

/// Of the features that `options` has switched on. One trial when all is well, one for each feature
/// more when it is not. Where no ring can be opened nothing is found wrong, and nothing was tried.
[[nodiscard]] self_test_report run_self_test(const uring_options& options,
                                             const trial_wire& wire = {});

/// The same, run for each set of features until all of it was tried, which holds for the life of
/// the process.
[[nodiscard]] std::shared_ptr<const self_test_report> self_test(const uring_options& options);

/// Switches off what was found wrong or was not tried. Returns what was on and why it is not any
/// more, in words; empty when nothing changed.
[[nodiscard]] std::string avoid_failed(feature_switches& features, const self_test_report& report);

}  // namespace myra::io
