#include "myra/io/uring/self_test.hpp"

#include <array>
#include <map>
#include <mutex>

#include "myra/io/uring/receive_trial.hpp"

namespace myra::io {
namespace {

struct tried_feature {
  bool feature_switches::* feature;
  const char* name;
};

// Each is tried with those before it that were found right: one that goes wrong only together with
// an earlier one is left out.
constexpr std::array tried_features = {
    tried_feature{&feature_switches::multishot_receive, "multishot receive"},
    tried_feature{&feature_switches::receive_limit, "receive limit"},
    tried_feature{&feature_switches::incremental_buffers, "incremental buffer rings"},
    tried_feature{&feature_switches::receive_bundles, "receive bundles"},
};

feature_switches without_any(feature_switches features) noexcept {
  for (const tried_feature& each : tried_features) features.*each.feature = false;
  return features;
}

unsigned mask_of(const feature_switches& features) noexcept {
  unsigned mask = 0;
  for (std::size_t i = 0; i < tried_features.size(); ++i)
    mask |= features.*tried_features[i].feature ? 1U << i : 0U;
  return mask;
}

void try_each(const uring_options& options, const trial_wire& wire, self_test_report& found) {
  feature_switches on_trial = without_any(options.features);
  found.unusable = run_receive_trial(options, on_trial, wire);
  if (!found.unusable.empty()) return;
  for (const tried_feature& each : tried_features) {
    if (!(options.features.*each.feature)) continue;
    on_trial.*each.feature = true;
    std::string wrong = run_receive_trial(options, on_trial, wire);
    if (wrong.empty()) continue;
    on_trial.*each.feature = false;
    found.wrong.push_back(
        {each.feature, each.name, "this kernel gets it wrong in the self-test: " + wrong});
  }
}

}  // namespace

self_test_report run_self_test(const uring_options& options, const trial_wire& wire) {
  self_test_report found;
  const time_point began = clock::now();
  if (!run_receive_trial(options, options.features, wire).empty()) try_each(options, wire, found);
  found.lasted = clock::now() - began;
  return found;
}

const self_test_report& self_test(const uring_options& options) {
  static std::mutex lock;
  static std::map<unsigned, self_test_report> reports;
  const std::lock_guard held(lock);
  const unsigned mask = mask_of(options.features);
  const auto known = reports.find(mask);
  if (known != reports.end()) return known->second;
  return reports.emplace(mask, run_self_test(options)).first->second;
}

std::string avoid_failed(feature_switches& features, const self_test_report& report) {
  std::string words;
  for (const failed_feature& each : report.wrong) {
    if (!(features.*each.feature)) continue;
    features.*each.feature = false;
    words += (words.empty() ? "" : "; ") + std::string(each.name) + " left unused: " + each.why;
  }
  return words;
}

}  // namespace myra::io
