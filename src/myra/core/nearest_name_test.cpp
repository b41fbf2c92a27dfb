#include "myra/core/nearest_name.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace {

using myra::nearest_name;

TEST(nearest_name, finds_slips_of_the_fingers_and_words_in_the_wrong_place) {
  const std::vector<std::string> known = {"reactor.backend", "reactor.wait", "listener.backlog",
                                          "threads"};
  EXPECT_EQ(nearest_name("reactor.backnd", known), "reactor.backend");
  EXPECT_EQ(nearest_name("thread", known), "threads");
  EXPECT_EQ(nearest_name("backend", known), "reactor.backend");
  EXPECT_EQ(nearest_name("listener.backend", known), "reactor.backend");
  EXPECT_EQ(nearest_name("listener.backlogs", known), "listener.backlog");
  EXPECT_EQ(nearest_name("colour", known), "");
  EXPECT_EQ(nearest_name(std::string(10'000, 'x'), known), "");
  EXPECT_EQ(nearest_name("x", {}), "");
}

}  // namespace
