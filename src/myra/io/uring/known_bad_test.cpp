#include "myra/io/uring/known_bad.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace myra::io {
namespace {

TEST(known_bad, releases_are_read) {
  EXPECT_EQ(parse_kernel_version("6.1.0-56-cloud-amd64"), (kernel_version{6, 1}));
  EXPECT_EQ(parse_kernel_version("5.10"), (kernel_version{5, 10}));
  EXPECT_EQ(parse_kernel_version("7.3-rc1"), (kernel_version{7, 3}));
  for (const char* odd : {"", "6", "6.", ".1", "six.one", "-6.1", "99999999999.1"})
    EXPECT_FALSE(parse_kernel_version(odd)) << odd;
}

TEST(known_bad, ten_is_later_than_nine) {
  EXPECT_LT((kernel_version{6, 9}), (kernel_version{6, 10}));
  EXPECT_LT((kernel_version{6, 18}), (kernel_version{7, 0}));
}

TEST(known_bad, multishot_accept_is_avoided_from_6_3_to_6_7_and_nowhere_else) {
  for (const kernel_version bad : {kernel_version{6, 3}, kernel_version{6, 7}}) {
    feature_switches features;
    const std::string why = avoid_known_bad(features, bad);
    EXPECT_FALSE(features.multishot_accept);
    EXPECT_TRUE(features.multishot_receive);
    EXPECT_NE(why.find("multishot accept left unused"), std::string::npos) << why;
  }
  for (const kernel_version good : {kernel_version{6, 2}, kernel_version{6, 8}}) {
    feature_switches features;
    EXPECT_EQ(avoid_known_bad(features, good), "");
    EXPECT_TRUE(features.multishot_accept);
  }
}

TEST(known_bad, what_was_off_is_not_spoken_of) {
  feature_switches features;
  features.multishot_accept = false;
  EXPECT_EQ(avoid_known_bad(features, {6, 5}), "");
}

TEST(known_bad, each_entry_says_what_and_why) {
  for (const known_bad& each : known_bad_kernels()) {
    EXPECT_LE(each.first, each.last);
    EXPECT_GT(std::strlen(each.name), 0U);
    EXPECT_GT(std::strlen(each.why), 0U);
    feature_switches features;
    EXPECT_NE(avoid_known_bad(features, each.last), "") << each.name;
  }
}

}  // namespace
}  // namespace myra::io
