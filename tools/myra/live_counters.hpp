// What a table of counters is made of: the samples of all reactors put together, and how they
// changed.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "myra/core/clock.hpp"
#include "myra/core/error.hpp"
#include "myra/metrics/sample.hpp"

namespace myra::tool {

/// One scrape of a metrics port.
struct scraped {
  time_point when;
  std::vector<metrics::sample> samples;
};

/// Errors: as of blocking_connection::connect; an answer that is not 200, or not in the form of
/// OpenMetrics.
[[nodiscard]] opened<scraped> scrape(const std::string& address);

/// "myra_buffers", "free": a figure's name and the value of its label, if it has one.
using figure_name = std::pair<std::string, std::string>;

class live_counters {
 public:
  explicit live_counters(const scraped& from);

  /// Sums over all reactors, without histograms.
  [[nodiscard]] const std::map<figure_name, double>& sums() const noexcept { return sums_; }
  [[nodiscard]] double sum(std::string_view name) const;
  /// Reactor to backend.
  [[nodiscard]] const std::map<std::string, std::string>& reactors() const noexcept {
    return reactors_;
  }
  /// The bound, in seconds, of the bucket below which the given part lies, of what a histogram has
  /// counted since `before` (if there is one); negative when that is nothing.
  [[nodiscard]] double quantile(std::string_view histogram, double part,
                                const live_counters* before) const;

 private:
  using buckets = std::map<double, double>;  ///< Bound to how many lie below.

  std::map<figure_name, double> sums_;
  std::map<std::string, std::string> reactors_;
  std::map<std::string, buckets, std::less<>> histograms_;
};

}  // namespace myra::tool
