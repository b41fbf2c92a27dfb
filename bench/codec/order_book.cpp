#include "codec/order_book.hpp"

#include <array>
#include <random>

namespace order_book {
namespace {

using metadata = std::vector<std::pair<std::string, std::string>>;

struct instrument {
  const char* venue;
  const char* symbol;
  std::uint32_t id;
  std::int64_t price_nanos;
};

constexpr std::array<instrument, 7> instruments{{
    {"XCME", "ESZ5", 82134, 4823500000000},
    {"XCME", "NQZ5", 93221, 1678800000000},
    {"XNAS", "AAPL", 1020304, 189750000000},
    {"XNAS", "MSFT", 1020411, 506100000000},
    {"XICE", "CLF6", 45012, 60130000000},
    {"XNYS", "BRKB", 2051177, 498320000000},
    {"XEUR", "FDAX", 731550, 24011000000000},
}};

snapshot first_sample() {
  return {"2025-11-10T14:32:05.123456789Z",
          "XCME",
          "ESZ5",
          82134,
          984563210,
          true,
          "OPEN",
          trade{4823500000000, 2, "BUY"},
          {{4823500000000, 14, 7, true}, {4823490000000, 22, 11, {}}, {4823480000000, 31, 16, {}}},
          {{4823510000000, 10, 5, {}}, {4823520000000, 18, 9, false}},
          {{"feed", "depth5"}, {"partition", "A3"}, {"schema", "v2"}}};
}

snapshot second_sample() {
  return {"2025-11-10T14:32:05.223456789Z",
          "XCME",
          "ESZ5",
          82134,
          984563211,
          true,
          {},
          trade{4823510000000, 1, "SELL"},
          {{4823505000000, 6, 4, {}}, {4823500000000, 12, 6, {}}},
          {{4823515000000, 8, 4, {}}},
          {{"feed", "depth2"}, {"schema", "v2"}}};
}

snapshot third_sample() {
  return {"2025-11-10T14:32:05.323456789Z",
          "XNAS",
          "AAPL",
          1020304,
          6754432001,
          true,
          "OPEN",
          {},
          {{189750000000, 160, 42, {}}, {189740000000, 95, 30, {}}},
          {{189760000000, 140, 38, {}}, {189770000000, 80, 26, {}}},
          {{"depth", "top2"}, {"listing", "NASDAQ"}}};
}

snapshot fourth_sample() {
  return {"2025-11-10T14:32:05.423456789Z",
          "XICE",
          "CLF6",
          45012,
          331998560,
          false,
          "HALTED",
          {},
          {},
          {},
          {{"reason", "EXCHANGE_HALT"}}};
}

snapshot fifth_sample() {
  return {"2025-11-10T14:32:05.523456789Z",
          "XCME",
          "NQZ5",
          93221,
          1122334455,
          true,
          {},
          trade{1678800000000, 5, {}},
          {{1678795000000, 9, 3, {}}, {1678790000000, 20, 8, true}},
          {{1678805000000, 14, 5, false}, {1678810000000, 22, 10, {}}},
          {{"feed", "depth3"}, {"partition", "B1"}, {"schema", "v2"}}};
}

/// Random numbers of the engine itself: unlike the distributions, it is the same everywhere.
class dice {
 public:
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(engine_() % bound); }
  bool percent(std::uint32_t chance) { return below(100) < chance; }

 private:
  std::mt19937_64 engine_{20251110};
};

std::vector<level> levels_around(dice& random, std::int64_t price, std::int64_t step) {
  std::vector<level> levels(random.below(6));
  for (level& one : levels) {
    price += step;
    one = {price, 1 + random.below(200), 1 + random.below(60), {}};
    if (random.percent(50)) one.maker = random.percent(50);
  }
  return levels;
}

std::string timestamp_of(std::uint64_t nanos) {
  std::string digits = std::to_string(nanos % 1'000'000'000);
  const std::uint64_t seconds = nanos / 1'000'000'000;
  const auto two = [](std::uint64_t value) {
    return std::string{static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
  };
  return "2025-11-10T14:" + two(seconds / 60 % 60) + ":" + two(seconds % 60) + "." +
         std::string(9 - digits.size(), '0') + digits + "Z";
}

snapshot random_snapshot(dice& random, std::uint64_t index) {
  const instrument& traded = instruments[random.below(instruments.size())];
  snapshot made;
  made.timestamp = timestamp_of(index * 104'729'311);
  made.venue = traded.venue;
  made.symbol = traded.symbol;
  made.instrument_id = traded.id;
  made.sequence = 984'563'210 + index;
  made.is_trading = random.percent(95);
  if (random.percent(80)) made.trading_status = made.is_trading ? "OPEN" : "HALTED";
  const std::int64_t price = traded.price_nanos + 10'000'000 * random.below(100);
  if (random.percent(85)) {
    made.last_trade = trade{price, 1 + random.below(50), random.percent(50) ? "BUY" : "SELL"};
  }
  made.bids = levels_around(random, price, -10'000'000);
  made.asks = levels_around(random, price, 10'000'000);
  made.metadata = random.percent(50) ? metadata{{"feed", "depth5"}, {"schema", "v2"}}
                                     : metadata{{"depth", "top2"}, {"listing", "NASDAQ"}};
  return made;
}

}  // namespace

std::vector<snapshot> sample() {
  return {first_sample(), second_sample(), third_sample(), fourth_sample(), fifth_sample()};
}

std::vector<snapshot> generated(std::size_t count) {
  dice random;
  std::vector<snapshot> made;
  made.reserve(count);
  for (std::size_t index = 0; index < count; ++index)
    made.push_back(random_snapshot(random, index));
  return made;
}

}  // namespace order_book
