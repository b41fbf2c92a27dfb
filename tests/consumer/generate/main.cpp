// What somebody who has a schema writes first: a message built in place, checked, and read in
// place.

#include <array>
#include <cstddef>
#include <cstdio>

#include "orders.hpp"

int main() {
  std::array<std::byte, 256> memory{};
  auto order = orders::order::build(memory);
  order.id(42).symbol("ESZ5");
  const auto bytes = order.finish();
  if (!bytes) return std::puts("not built"), 1;
  const auto read = orders::order::verify(*bytes);
  const bool is_whole = read && read->id() == 42 && read->symbol() == "ESZ5";
  std::puts(is_whole ? "the order came back" : "the order is not what it was");
  return is_whole ? 0 : 1;
}
