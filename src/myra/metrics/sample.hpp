// Reads what text.hpp writes, or another server of OpenMetrics: a text to its samples.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "myra/core/error.hpp"

namespace myra::metrics {

struct sample {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;

  /// Empty when there is no such label.
  [[nodiscard]] std::string_view label(std::string_view wanted) const noexcept;
};

/// All samples, in order; comments, time stamps and exemplars are skipped. The report of an error
/// names the line, what was found and what was expected. A text that does not end in "# EOF" is
/// refused: it was cut off.
[[nodiscard]] opened<std::vector<sample>> parse_text(std::string_view text);

}  // namespace myra::metrics
