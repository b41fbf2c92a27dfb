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

failed_feature untried(const tried_feature& which, const std::string& why) {
  return {which.feature, which.name, "the self-test could not try it: " + why};
}

void leave_untried(const uring_options& options, const receive_trial& trial,
                   self_test_report& found) {
  found.memory_short = trial.memory_short;
  for (const tried_feature& each : tried_features)
    if (options.features.*each.feature) found.untried.push_back(untried(each, trial.why));
}

void try_each(const uring_options& options, const trial_wire& wire, self_test_report& found) {
  feature_switches on_trial = without_any(options.features);
  const receive_trial without = run_receive_trial(options, on_trial, wire);
  if (without.outcome == trial_outcome::wrong) found.unusable = without.why;
  if (without.outcome == trial_outcome::untried) leave_untried(options, without, found);
  if (without.outcome != trial_outcome::right) return;
  for (const tried_feature& each : tried_features) {
    if (!(options.features.*each.feature)) continue;
    on_trial.*each.feature = true;
    const receive_trial with = run_receive_trial(options, on_trial, wire);
    if (with.outcome == trial_outcome::right) continue;
    on_trial.*each.feature = false;
    found.memory_short = found.memory_short || with.memory_short;
    if (with.outcome == trial_outcome::untried)
      found.untried.push_back(untried(each, with.why));
    else
      found.wrong.push_back(
          {each.feature, each.name, "this kernel gets it wrong in the self-test: " + with.why});
  }
}

}  // namespace

self_test_report run_self_test(const uring_options& options, const trial_wire& wire) {
  self_test_report found;
  const time_point began = clock::now();
  const receive_trial all = run_receive_trial(options, options.features, wire);
  if (all.outcome == trial_outcome::wrong) try_each(options, wire, found);
  if (all.outcome == trial_outcome::untried) leave_untried(options, all, found);
  found.lasted = clock::now() - began;
  return found;
}

std::shared_ptr<const self_test_report> self_test(const uring_options& options) {
  static std::mutex lock;
  static std::map<unsigned, std::shared_ptr<const self_test_report>> reports;
  const std::lock_guard held(lock);
  const unsigned mask = mask_of(options.features);
  const auto known = reports.find(mask);
  if (known != reports.end()) return known->second;
  auto found = std::make_shared<const self_test_report>(run_self_test(options));
  if (found->untried.empty()) reports.emplace(mask, found);
  return found;
}

std::string avoid_failed(feature_switches& features, const self_test_report& report) {
  std::string words;
  for (const auto* left_out : {&report.wrong, &report.untried})
    for (const failed_feature& each : *left_out) {
      if (!(features.*each.feature)) continue;
      features.*each.feature = false;
      words += (words.empty() ? "" : "; ") + std::string(each.name) + " left unused: " + each.why;
    }
  return words;
}

}  // namespace myra::io
