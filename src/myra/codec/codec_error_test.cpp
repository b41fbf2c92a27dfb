#include "myra/codec/codec_error.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace myra {
namespace {

TEST(codec_error, each_code_is_a_sentence_of_its_own) {
  std::set<std::string> seen;
  const int last = static_cast<int>(codec_error::text_too_long);
  for (int code = 0; code <= last; ++code) {
    const std::string text = make_error_code(static_cast<codec_error>(code)).message();
    EXPECT_NE(text, "unknown codec error");
    EXPECT_TRUE(seen.insert(text).second) << text;
  }
  EXPECT_EQ(make_error_code(static_cast<codec_error>(last + 1)).message(), "unknown codec error");
}

TEST(codec_error, limits_are_exhaustion_and_the_rest_is_invalid) {
  EXPECT_EQ(make_error_code(codec_error::no_room), condition::resource_exhausted);
  EXPECT_EQ(make_error_code(codec_error::too_deep), condition::resource_exhausted);
  EXPECT_EQ(make_error_code(codec_error::truncated), condition::invalid);
}

TEST(codec_error, a_failure_names_the_rule_and_the_place) {
  EXPECT_EQ(describe(codec_failure{codec_error::truncated, 7}),
            "the message ends too early at byte 7");
}

}  // namespace
}  // namespace myra
