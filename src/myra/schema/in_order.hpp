// A stable sort.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace myra::schema {

/// The items by ascending key; those of equal keys in the order in which they were. (That of
/// libstdc++ 12 calls what C++20 removed, of which Clang warns.)
template <class T, class Key>
[[nodiscard]] std::vector<T> in_order(std::vector<T> items, Key key) {
  std::vector<std::size_t> order(items.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t one, std::size_t other) {
    const auto& key_of_one = std::invoke(key, items[one]);
    const auto& key_of_other = std::invoke(key, items[other]);
    if (key_of_one == key_of_other) return one < other;
    return key_of_one < key_of_other;
  });
  std::vector<T> sorted;
  sorted.reserve(items.size());
  for (const std::size_t index : order) sorted.push_back(std::move(items[index]));
  return sorted;
}

}  // namespace myra::schema
