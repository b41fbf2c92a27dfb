// Counters as text, for Prometheus and whoever else reads OpenMetrics.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myra/io/capabilities.hpp"
#include "myra/reactor/counter_board.hpp"

namespace myra::metrics {

/// One board for each reactor; the text calls them 0, 1 and so on.
using boards = std::vector<std::shared_ptr<const counter_board>>;

/// What the boards showed when they were read.
struct snapshot {
  struct reactor {
    io::backend_kind backend;
    loop_counters counters;
    std::optional<latency_snapshot> turns;  ///< Nothing where it is not measured.
    std::optional<latency_snapshot> messages;
  };
  std::vector<reactor> reactors;
};

/// Any thread.
[[nodiscard]] snapshot read(const boards& from);

enum class text_format : std::uint8_t {
  open_metrics,  ///< OpenMetrics 1.0.0.
  plain,         ///< Prometheus' older form, version 0.0.4, where counters are called ..._total.
};

/// As of a Content-Type header.
[[nodiscard]] std::string_view content_type(text_format of) noexcept;

/// Where text goes, a piece after the other.
class text_sink {
 public:
  virtual void put(std::string_view piece) = 0;

 protected:
  ~text_sink() = default;
};

/// Writes all families of all reactors. The same snapshot gives the same text.
void write(const snapshot& from, text_format as, text_sink& to);
[[nodiscard]] std::string to_text(const snapshot& from, text_format as = text_format::open_metrics);

}  // namespace myra::metrics
