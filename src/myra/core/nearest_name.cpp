#include "myra/core/nearest_name.hpp"

#include <algorithm>
#include <numeric>
#include <vector>

namespace myra {
namespace {

/// How many letters have to be changed, added or left out (Levenshtein), row by row.
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string_view last_part(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

}  // namespace

std::string nearest_name(std::string_view typed, std::span<const std::string> known) {
  constexpr std::size_t typed_size_max = 100;  // Longer is no slip of the fingers.
  if (typed.size() > typed_size_max) return {};
  std::string nearest;
  std::size_t least = std::string_view::npos;
  for (const std::string& each : known) {
    const std::size_t whole = distance(typed, each);
    const std::size_t part = distance(last_part(typed), last_part(each));
    // The right word in the wrong place is nearer than a wrong word anywhere.
    const std::size_t found = std::min(whole, part + 1);
    const std::size_t near_enough = std::max<std::size_t>(2, last_part(typed).size() / 3);
    if (found > near_enough || found >= least) continue;
    least = found;
    nearest = each;
  }
  return nearest;
}

}  // namespace myra
