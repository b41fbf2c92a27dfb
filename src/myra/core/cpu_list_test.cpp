#include "myra/core/cpu_list.hpp"

#include <gtest/gtest.h>

namespace myra {
namespace {

using cpus = std::vector<unsigned>;

TEST(cpu_list, numbers_and_ranges_ascend_each_once) {
  EXPECT_EQ(parse_cpu_list("").value(), cpus{});
  EXPECT_EQ(parse_cpu_list("5").value(), cpus{5});
  EXPECT_EQ(parse_cpu_list("0-3,8").value(), (cpus{0, 1, 2, 3, 8}));
  EXPECT_EQ(parse_cpu_list("8,0-3,2-4,8").value(), (cpus{0, 1, 2, 3, 4, 8}));
  EXPECT_EQ(parse_cpu_list("1023").value(), cpus{1023});
}

TEST(cpu_list, what_is_none_is_refused) {
  for (const char* text : {",", "0,", ",0", "a", "-1", "1-", "3-1", "1024", "0 1", "0-1-2", " 1",
                           "4294967296", "0x1", "1.5"})
    EXPECT_FALSE(parse_cpu_list(text)) << text;
}

TEST(cpu_list, is_printed_in_its_shortest_form) {
  EXPECT_EQ(print_cpu_list({}), "");
  EXPECT_EQ(print_cpu_list({7}), "7");
  EXPECT_EQ(print_cpu_list({0, 1, 2, 3, 8, 10, 11}), "0-3,8,10-11");
}

}  // namespace
}  // namespace myra
