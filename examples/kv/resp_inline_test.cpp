#include "resp_inline.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace kv {
namespace {

using words = std::vector<std::string>;

// The expected values of this file are those of Redis 7.0.15.
words split(std::string_view line) {
  std::vector<std::string_view> arguments;
  std::string unescaped;
  if (!split_inline(line, arguments, unescaped)) return {"unbalanced"};
  return {arguments.begin(), arguments.end()};
}

TEST(split_inline, blanks_separate) {
  EXPECT_EQ(split(""), words{});
  EXPECT_EQ(split(" \t\v\f\r\n "), words{});
  EXPECT_EQ(split("GET key"), (words{"GET", "key"}));
  EXPECT_EQ(split("  GET \t key  "), (words{"GET", "key"}));
  EXPECT_EQ(split("a\rb\nc"), (words{"a", "b", "c"}));
}

TEST(split_inline, vertical_tab_and_form_feed_do_not_end_an_argument) {
  EXPECT_EQ(split("a\vb\fc \v d"), (words{"a\vb\fc", "d"}));
}

TEST(split_inline, a_backslash_outside_quotes_is_itself) {
  EXPECT_EQ(split("a\\n \\"), (words{"a\\n", "\\"}));
}

TEST(split_inline, double_quotes_hold_blanks_and_escapes) {
  EXPECT_EQ(split("SET k \"a b\""), (words{"SET", "k", "a b"}));
  EXPECT_EQ(split("\"\""), words{""});
  EXPECT_EQ(split(R"("\n\r\t\b\a\\\"\q")"), words{"\n\r\t\b\a\\\"q"});
  EXPECT_EQ(split(R"("it's")"), words{"it's"});
}

TEST(split_inline, hexadecimal_escapes_need_two_digits) {
  EXPECT_EQ(split(R"("\x41\xfF\x00z")"), words{std::string("A\xff\0z", 4)});
  EXPECT_EQ(split(R"("\x4g\x4")"), words{"x4gx4"});
  EXPECT_EQ(split(R"("\x")"), words{"x"});
}

TEST(split_inline, single_quotes_hold_all_but_their_own_escape) {
  EXPECT_EQ(split(R"('a b' '\n' 'it\'s' '"')"), (words{"a b", "\\n", "it's", "\""}));
  EXPECT_EQ(split(R"('a\\b')"), words{"a\\\\b"});
}

TEST(split_inline, a_quote_may_begin_inside_an_argument_and_ends_it) {
  EXPECT_EQ(split(R"(foo"bar baz" x'y')"), (words{"foobar baz", "xy"}));
  EXPECT_EQ(split("\"a\"\vb"), (words{"a", "b"}));
}

TEST(split_inline, unbalanced_quotes_are_refused) {
  const words unbalanced{"unbalanced"};
  for (const char* line : {"\"", "'", "\"abc", "'abc", "a \"b\"c", "a 'b'c", "\"a\"\"b\"", "'a''b'",
                           "\"a\\\"", "'a\\'", "\"\\", "'\\", "x\"", "\"a'"})
    EXPECT_EQ(split(line), unbalanced) << line;
}

TEST(split_inline, arguments_without_quotes_are_views_into_the_line) {
  const std::string line = "SET key \"a b\" last";
  std::vector<std::string_view> arguments;
  std::string unescaped;
  ASSERT_TRUE(split_inline(line, arguments, unescaped));
  ASSERT_EQ(arguments.size(), 4u);
  EXPECT_EQ(arguments[0].data(), line.data());
  EXPECT_EQ(arguments[1].data(), line.data() + 4);
  EXPECT_EQ(arguments[2].data(), unescaped.data());
  EXPECT_EQ(arguments[3].data(), line.data() + 14);
}

}  // namespace
}  // namespace kv
