#include "myra/transport/address_order.hpp"

#include <algorithm>

namespace myra {

std::vector<endpoint> alternate_families(std::span<const endpoint> given) {
  std::vector<endpoint> order(given.begin(), given.end());
  for (std::size_t placed = 1; placed < order.size(); ++placed) {
    const auto next = order.begin() + static_cast<std::ptrdiff_t>(placed);
    const int before = order[placed - 1].family();
    const auto other = std::find_if(
        next, order.end(), [before](const endpoint& each) { return each.family() != before; });
    // Rotating keeps the order of those that are passed over.
    if (other != order.end()) std::rotate(next, other, other + 1);
  }
  return order;
}

}  // namespace myra
