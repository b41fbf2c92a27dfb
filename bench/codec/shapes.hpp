// Messages of three other shapes, as plain structs, and any number of each from a seed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace bench_plain {

/// Scalars alone.
struct tick {
  std::uint64_t id = 0;
  std::int64_t price = 0;
  std::int64_t quantity = 0;
  std::int64_t at = 0;
  double ratio = 0;
  double weight = 0;
  std::uint32_t venue = 0;
  std::uint32_t instrument = 0;
  std::uint16_t flags = 0;
  std::uint8_t way = 0;
  bool is_open = false;
  bool is_auction = false;
};

/// Texts above all.
struct person {
  std::array<std::string, 8> texts;
  std::vector<std::string> tags;
};

/// Six messages, each within the one before it.
struct box {
  static constexpr std::size_t depth = 6;
  std::array<std::uint32_t, depth> ids{};
  std::array<std::string, depth> labels;
};

[[nodiscard]] std::vector<tick> ticks(std::size_t count);
/// Texts of 2 to 25 bytes, 0 to 5 tags.
[[nodiscard]] std::vector<person> persons(std::size_t count);
[[nodiscard]] std::vector<box> boxes(std::size_t count);

}  // namespace bench_plain
