#include "myra/config/field.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>

#include "myra/config/quantity.hpp"

namespace myra::config {
namespace {

using namespace std::chrono_literals;
using std::int64_t;
using std::string;

TEST(quantity, sizes_are_bytes_or_binary_units) {
  EXPECT_EQ(parse_size("0"), 0);
  EXPECT_EQ(parse_size("16384"), 16384);
  EXPECT_EQ(parse_size("100B"), 100);
  EXPECT_EQ(parse_size("16KiB"), 16 * 1024);
  EXPECT_EQ(parse_size("1MiB"), 1024 * 1024);
  EXPECT_EQ(parse_size("3GiB"), int64_t{3} * 1024 * 1024 * 1024);
  for (const char* wrong : {"", "KiB", "-1", "+1", "1.5KiB", "1 KiB", "1KB", "1kib", "16K", "0x10",
                            "9999999999999999999", "9223372036854775807KiB", "1KiB "})
    EXPECT_EQ(parse_size(wrong), std::nullopt) << wrong;
}

TEST(quantity, a_printed_size_reads_back) {
  EXPECT_EQ(print_size(16384), "16KiB");
  EXPECT_EQ(print_size(1024 * 1024), "1MiB");
  EXPECT_EQ(print_size(1536), "1536");
  for (const int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{1023}, int64_t{1024},
                              int64_t{1} << 31, std::numeric_limits<int64_t>::max()})
    EXPECT_EQ(parse_size(print_size(bytes)), bytes);
}

TEST(quantity, times_have_a_unit) {
  EXPECT_EQ(parse_time("0s"), 0ns);
  EXPECT_EQ(parse_time("5ns"), 5ns);
  EXPECT_EQ(parse_time("5us"), 5us);
  EXPECT_EQ(parse_time("250ms"), 250ms);
  EXPECT_EQ(parse_time("5s"), 5s);
  EXPECT_EQ(parse_time("10min"), 10min);
  EXPECT_EQ(parse_time("2h"), 2h);
  for (const char* wrong : {"", "5", "s", "-5s", "1.5s", "5 s", "5m", "5sec", "99999999999h"})
    EXPECT_EQ(parse_time(wrong), std::nullopt) << wrong;
}

TEST(quantity, a_printed_time_reads_back) {
  EXPECT_EQ(print_time(0s), "0s");
  EXPECT_EQ(print_time(90s), "90s");
  EXPECT_EQ(print_time(1500ms), "1500ms");
  EXPECT_EQ(print_time(2h), "2h");
  for (const duration each : std::initializer_list<duration>{0s, 1ns, 999us, 1h, 61min, 86400s})
    EXPECT_EQ(parse_time(print_time(each)), each);
}

TEST(field, a_flag_takes_a_truth_and_nothing_else) {
  bool target = false;
  const field made = flag("a.flag", "Help.", target);
  EXPECT_TRUE(made.set(true));
  EXPECT_TRUE(target);
  EXPECT_EQ(made.get(), value(true));
  EXPECT_FALSE(made.set(int64_t{0}));
  EXPECT_FALSE(made.set(string("false")));
  EXPECT_TRUE(target);
}

TEST(field, a_number_keeps_its_bounds) {
  std::uint32_t target = 5;
  const field made = number("a.number", "Help.", target, {.least = 4, .most = 64, .step = 4});
  EXPECT_EQ(made.allowed, "4 to 64 in steps of 4");
  for (const int64_t right : {4, 8, 64}) {
    EXPECT_TRUE(made.set(right));
    EXPECT_EQ(made.get(), value(right));
  }
  for (const int64_t wrong : {0, 3, 5, 65, 68, -4}) EXPECT_FALSE(made.set(wrong)) << wrong;
  EXPECT_FALSE(made.set(string("8")));
  EXPECT_FALSE(made.set(true));
  EXPECT_EQ(target, 64U);
}

TEST(field, a_number_may_have_to_be_a_power_of_two_or_zero) {
  int target = 0;
  const field made = number("a.number", "Help.", target,
                            {.least = 8, .most = 32, .power_of_two = true, .zero_too = true});
  EXPECT_EQ(made.allowed, "0, or a power of two from 8 to 32");
  for (const int64_t right : {0, 8, 16, 32}) EXPECT_TRUE(made.set(right));
  for (const int64_t wrong : {4, 12, 64, -8}) EXPECT_FALSE(made.set(wrong));
}

TEST(field, bounds_are_narrowed_to_what_the_variable_holds) {
  std::uint8_t small = 0;
  const field made = number("a.number", "Help.", small, {.least = -5});
  EXPECT_EQ(made.allowed, "0 to 255");
  EXPECT_TRUE(made.set(int64_t{255}));
  EXPECT_FALSE(made.set(int64_t{256}));
  EXPECT_FALSE(made.set(int64_t{-1}));
  std::uint64_t large = 0;
  const field wide = number("a.number", "Help.", large, {});
  EXPECT_EQ(wide.allowed, "0 and more");
  EXPECT_TRUE(wide.set(std::numeric_limits<int64_t>::max()));
}

TEST(field, a_size_is_a_number_or_text) {
  std::uint32_t target = 1;
  const field made = size("a.size", "Help.", target, {.least = 64, .most = 1 << 20, .step = 64});
  EXPECT_TRUE(made.set(string("16KiB")));
  EXPECT_EQ(target, 16384U);
  EXPECT_EQ(made.get(), value(string("16KiB")));
  EXPECT_TRUE(made.set(int64_t{128}));
  EXPECT_EQ(made.get(), value(int64_t{128}));
  EXPECT_FALSE(made.set(string("2MiB")));
  EXPECT_FALSE(made.set(string("65")));
  EXPECT_EQ(target, 128U);
}

TEST(field, a_time_is_text_with_a_unit) {
  duration target = 1s;
  const field made = time("a.time", "Help.", target, {.least = 1ms, .most = 1h});
  EXPECT_TRUE(made.set(string("250ms")));
  EXPECT_EQ(target, 250ms);
  EXPECT_EQ(made.get(), value(string("250ms")));
  EXPECT_FALSE(made.set(string("0s")));
  EXPECT_FALSE(made.set(string("2h")));
  EXPECT_FALSE(made.set(int64_t{5}));
  EXPECT_EQ(target, 250ms);
}

TEST(field, an_address_is_what_an_endpoint_reads_or_nothing) {
  string target;
  const field made = address("an.address", "Help.", target);
  EXPECT_TRUE(made.set(string("[::1]:80")));
  EXPECT_EQ(target, "[::1]:80");
  EXPECT_FALSE(made.set(string("::1:80")));
  EXPECT_FALSE(made.set(int64_t{80}));
  EXPECT_EQ(target, "[::1]:80");
  EXPECT_TRUE(made.set(string()));
  EXPECT_EQ(target, "");

  endpoint local;
  const field bound = address("an.endpoint", "Help.", local);
  EXPECT_EQ(bound.get(), value(string()));
  EXPECT_TRUE(bound.set(string("127.0.0.1:0")));
  EXPECT_EQ(bound.get(), value(string("127.0.0.1:0")));
  EXPECT_FALSE(bound.set(string("nonsense")));
  EXPECT_TRUE(bound.set(string()));
  EXPECT_EQ(local, endpoint());
}

enum class colour { red, green, blue };

TEST(field, a_choice_is_one_of_its_words) {
  colour target = colour::green;
  const field made =
      choice<colour>("a.colour", "Help.", target,
                     {{"red", colour::red}, {"green", colour::green}, {"blue", colour::blue}});
  EXPECT_EQ(made.allowed, R"("red", "green" or "blue")");
  EXPECT_EQ(made.form, "red|green|blue");
  EXPECT_EQ(made.get(), value(string("green")));
  EXPECT_TRUE(made.set(string("blue")));
  EXPECT_EQ(target, colour::blue);
  EXPECT_FALSE(made.set(string("Blue")));
  EXPECT_FALSE(made.set(string()));
  EXPECT_FALSE(made.set(int64_t{0}));
  EXPECT_EQ(target, colour::blue);
}

}  // namespace
}  // namespace myra::config
