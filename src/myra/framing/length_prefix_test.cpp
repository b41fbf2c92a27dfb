#include "myra/framing/length_prefix.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "myra/framing/framing_error.hpp"

namespace myra {
namespace {

void expect_refused(const length_prefix& prefix, const std::string& words) {
  const auto valid = validate(prefix);
  ASSERT_FALSE(valid);
  EXPECT_EQ(valid.error().code, framing_error::invalid_option);
  EXPECT_EQ(valid.error().code, condition::invalid);
  EXPECT_EQ(valid.error().what, words);
}

TEST(length_prefix, defaults_and_every_width_are_valid) {
  EXPECT_TRUE(validate({}));
  for (std::size_t width = 1; width <= 8; ++width) {
    EXPECT_TRUE(validate({.width_bytes = width}));
    EXPECT_TRUE(validate({.width_bytes = width, .counts = length_counts::frame}));
    EXPECT_TRUE(validate({.width_bytes = width, .frame_size_max_bytes = width}));
  }
}

TEST(length_prefix, length_max_is_what_the_width_can_hold) {
  EXPECT_EQ(length_prefix{.width_bytes = 1}.length_max(), 0xffu);
  EXPECT_EQ(length_prefix{.width_bytes = 3}.length_max(), 0xffffffu);
  EXPECT_EQ(length_prefix{.width_bytes = 4}.length_max(), 0xffffffffu);
  EXPECT_EQ(length_prefix{.width_bytes = 8}.length_max(), UINT64_MAX);
}

TEST(length_prefix, a_wrong_width_is_named) {
  expect_refused({.width_bytes = 0}, "length_prefix.width_bytes is 0, allowed is 1 to 8");
  expect_refused({.width_bytes = 9}, "length_prefix.width_bytes is 9, allowed is 1 to 8");
}

TEST(length_prefix, a_limit_below_the_header_is_named) {
  expect_refused({.width_bytes = 4, .frame_size_max_bytes = 3},
                 "length_prefix.frame_size_max_bytes is 3, allowed is 4 to 9223372036854775807 "
                 "with a header of 4 bytes");
}

TEST(length_prefix, a_limit_that_no_memory_can_hold_is_named) {
  expect_refused({.width_bytes = 8, .frame_size_max_bytes = SIZE_MAX},
                 "length_prefix.frame_size_max_bytes is 18446744073709551615, allowed is 8 to "
                 "9223372036854775807 with a header of 8 bytes");
}

TEST(length_prefix, a_minimum_above_the_limit_is_named) {
  expect_refused({.frame_size_min_bytes = 101, .frame_size_max_bytes = 100},
                 "length_prefix.frame_size_min_bytes is 101, allowed is 0 to 100 with a width of "
                 "4 bytes and a frame_size_max_bytes of 100");
}

TEST(length_prefix, a_minimum_that_the_width_cannot_express_is_named) {
  EXPECT_TRUE(validate({.width_bytes = 1, .frame_size_min_bytes = 256}));
  expect_refused({.width_bytes = 1, .frame_size_min_bytes = 257},
                 "length_prefix.frame_size_min_bytes is 257, allowed is 0 to 256 with a width of "
                 "1 bytes and a frame_size_max_bytes of 1048576");
  EXPECT_FALSE(
      validate({.width_bytes = 1, .counts = length_counts::frame, .frame_size_min_bytes = 256}));
}

TEST(framing_error, every_code_is_a_sentence_and_has_a_condition) {
  EXPECT_STREQ(framing_category().name(), "framing");
  for (int value = 1; value <= static_cast<int>(framing_error::no_memory); ++value) {
    const std::error_code code(value, framing_category());
    EXPECT_EQ(code.message().find("unknown"), std::string::npos);
    EXPECT_GE(code.message().size(), 20u);
  }
  EXPECT_EQ(std::error_code(99, framing_category()).message(), "unknown framing error 99");
  EXPECT_EQ(make_error_code(framing_error::truncated), condition::disconnected);
  EXPECT_EQ(make_error_code(framing_error::no_memory), condition::resource_exhausted);
  EXPECT_EQ(make_error_code(framing_error::frame_too_long), condition::invalid);
}

}  // namespace
}  // namespace myra
