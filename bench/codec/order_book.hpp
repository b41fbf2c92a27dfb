// The order-book snapshots that every codec here writes and reads, as plain structs, and the two
// sets of them: five by hand and any number from a seed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace order_book {

struct level {
  std::int64_t price_nanos = 0;
  std::uint32_t size = 0;
  std::uint32_t order_count = 0;
  std::optional<bool> maker;
};

struct trade {
  std::int64_t price_nanos = 0;
  std::uint32_t size = 0;
  std::optional<std::string> aggressor;
};

struct snapshot {
  std::string timestamp;
  std::string venue;
  std::string symbol;
  std::uint32_t instrument_id = 0;
  std::uint64_t sequence = 0;
  bool is_trading = false;
  std::optional<std::string> trading_status;
  std::optional<trade> last_trade;
  std::vector<level> bids;
  std::vector<level> asks;
  std::vector<std::pair<std::string, std::string>> metadata;  ///< By ascending key.
};

/// Five snapshots of three venues, one of them halted and empty. A predictor learns them by heart.
[[nodiscard]] std::vector<snapshot> sample();

/// `count` snapshots of the same shape: 0-5 levels a side, half of the levels with `maker`, 85 %
/// with a last trade, 7 instruments, two sets of metadata. The same every time.
[[nodiscard]] std::vector<snapshot> generated(std::size_t count);

}  // namespace order_book
