#include "myra/transport/address_order.hpp"

#include <gtest/gtest.h>

#include <string>

namespace myra {
namespace {

std::vector<std::string> ordered(std::initializer_list<const char*> texts) {
  std::vector<endpoint> given;
  for (const char* text : texts) given.push_back(endpoint::parse(text).value());
  std::vector<std::string> order;
  for (const endpoint& each : alternate_families(given)) order.push_back(each.to_string());
  return order;
}

using texts = std::vector<std::string>;

TEST(address_order, of_nothing_is_nothing) { EXPECT_EQ(ordered({}), texts{}); }

TEST(address_order, keeps_a_single_family_as_it_is) {
  EXPECT_EQ(ordered({"127.0.0.3:1", "127.0.0.1:1", "127.0.0.2:1"}),
            (texts{"127.0.0.3:1", "127.0.0.1:1", "127.0.0.2:1"}));
}

TEST(address_order, alternates_and_begins_with_the_family_of_the_first) {
  EXPECT_EQ(ordered({"[::1]:1", "[::1]:2", "[::1]:3", "127.0.0.1:1", "127.0.0.1:2"}),
            (texts{"[::1]:1", "127.0.0.1:1", "[::1]:2", "127.0.0.1:2", "[::1]:3"}));
  EXPECT_EQ(ordered({"127.0.0.1:1", "127.0.0.1:2", "[::1]:1"}),
            (texts{"127.0.0.1:1", "[::1]:1", "127.0.0.1:2"}));
}

TEST(address_order, what_alternates_already_stays) {
  EXPECT_EQ(ordered({"127.0.0.1:1", "[::1]:1", "127.0.0.1:2", "[::1]:2"}),
            (texts{"127.0.0.1:1", "[::1]:1", "127.0.0.1:2", "[::1]:2"}));
}

}  // namespace
}  // namespace myra
