#include "resp_parser.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "myra/core/allocation_count_test.hpp"

namespace kv {
namespace {

using words = std::vector<std::string>;
using cut_list = std::vector<std::size_t>;

struct outcome {
  std::vector<words> commands;
  std::string error;

  friend bool operator==(const outcome&, const outcome&) = default;
  // GoogleTest gives the name. NOLINTNEXTLINE(readability-identifier-naming)
  friend void PrintTo(const outcome& seen, std::ostream* out) {
    *out << testing::PrintToString(seen.commands) << ' ' << testing::PrintToString(seen.error);
  }
};

const std::string error_start = "ERR Protocol error: ";

words copy(resp_command command) { return {command.begin(), command.end()}; }

// The next command; none has no words.
words next_words(resp_parser& parser) { return copy(parser.next().value_or(resp_command())); }

// Feeds `stream` cut at the offsets `cuts`. Each piece lies in memory of exactly its size, which is
// freed before the next is fed, so that AddressSanitizer sees a view that outlived its chunk.
outcome parse(std::string_view stream, const cut_list& cuts = {}, const resp_limits& limits = {}) {
  resp_parser parser(limits);
  outcome seen;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : stream.size();
    const std::size_t size = end - begin;
    const auto piece = std::make_unique<char[]>(size);
    if (size != 0) std::memcpy(piece.get(), stream.data() + begin, size);
    parser.feed({piece.get(), size});
    while (const auto command = parser.next()) seen.commands.push_back(copy(*command));
    begin = end;
  }
  seen.error = parser.error();
  return seen;
}

// The outcome is `expected` in one piece, and in every way to cut it in two, in three, and into
// bytes.
void expect_outcome(std::string_view stream, const outcome& expected,
                    const resp_limits& limits = {}) {
  const auto check = [&](const cut_list& cuts) {
    ASSERT_EQ(parse(stream, cuts, limits), expected)
        << testing::PrintToString(stream) << " cut at " << testing::PrintToString(cuts);
  };
  cut_list every;
  for (std::size_t first = 0; first <= stream.size(); ++first) {
    every.push_back(first);
    check({first});
    if (stream.size() > 200) continue;
    for (std::size_t second = first; second <= stream.size(); ++second) check({first, second});
  }
  check(every);
}

void expect_error(std::string_view stream, const std::string& words_of_redis,
                  const resp_limits& limits = {}) {
  expect_outcome(stream, {{}, error_start + words_of_redis}, limits);
}

std::string encoded(const words& arguments) {
  std::string request = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const auto& argument : arguments)
    request += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  return request;
}

TEST(resp_parser, arrays_in_every_split) {
  const std::vector<words> commands{
      {"GET", "key"}, {"SET", "", std::string("\r\n\0$1*", 6)}, {"PING"}, {"ECHO", "0123456789ab"}};
  std::string stream;
  for (const auto& command : commands) stream += encoded(command);
  expect_outcome(stream, {commands, ""});
}

TEST(resp_parser, inline_commands_in_every_split) {
  expect_outcome("PING\r\nGET key\nSET k \"a \\x41 b\"\r\n",
                 {{{"PING"}, {"GET", "key"}, {"SET", "k", "a A b"}}, ""});
}

TEST(resp_parser, both_forms_on_one_connection) {
  expect_outcome("PING\r\n*1\r\n$4\r\nPING\r\nECHO '*1'\n*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n",
                 {{{"PING"}, {"PING"}, {"ECHO", "*1"}, {"ECHO", "x"}}, ""});
}

TEST(resp_parser, empty_requests_are_passed_over) {
  expect_outcome("\r\n\n  \r\n*0\r\n*-1\r\n*-7\r\nPING\r\n\r\n", {{{"PING"}}, ""});
  expect_outcome("", {});
}

TEST(resp_parser, an_incomplete_request_is_neither_command_nor_error) {
  const std::string request = encoded({"SET", "key", "value"});
  for (std::size_t size = 0; size < request.size(); ++size)
    expect_outcome(std::string_view(request).substr(0, size), {});
  expect_outcome("PIN", {});
}

TEST(resp_parser, the_bytes_of_a_line_end_are_counted_and_not_looked_at_as_in_redis) {
  expect_outcome("*1\rX$4\rXPINGXX*1\r\n$1\r\nA..", {{{"PING"}, {"A"}}, ""});
  expect_outcome("*0\rXPING\r\n", {{{"PING"}}, ""});
}

TEST(resp_parser, a_wrong_number_of_arguments_is_refused) {
  for (const char* count : {"", "x", "1x", "+1", "01", "-0", " 1", "1 ", "--1", "-", "0x1", "1.0",
                            "1000000000", "9223372036854775807", "9223372036854775808",
                            "-9223372036854775809", "99999999999999999999999", "1048577"})
    expect_error("*" + std::string(count) + "\r\n", "invalid multibulk length");
}

TEST(resp_parser, a_wrong_bulk_length_is_refused) {
  for (const char* size : {"", "x", "-1", "-5", "+1", "03", "3 ", "536870913", "1000000000",
                           "12345678901", "9223372036854775807", "9223372036854775808"})
    expect_error("*1\r\n$" + std::string(size) + "\r\n", "invalid bulk length");
}

TEST(resp_parser, something_else_than_a_bulk_is_refused_with_its_first_byte) {
  expect_error("*1\r\nx", "expected '$', got 'x'");
  expect_error("*2\r\n$3\r\nGET\r\n*1\r\n", "expected '$', got '*'");
  expect_error("*1\r\n\r\n", "expected '$', got '\r'");
}

TEST(resp_parser, unbalanced_quotes_are_refused) {
  expect_error("SET k \"abc\r\n", "unbalanced quotes in request");
  expect_error("SET k 'abc'd\n", "unbalanced quotes in request");
}

TEST(resp_parser, commands_before_an_error_are_delivered_and_none_after) {
  expect_outcome("PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n!*1\r\n$4\r\nPING\r\n",
                 {{{"PING"}, {"PING"}}, error_start + "expected '$', got '!'"});
}

TEST(resp_parser, stays_failed) {
  resp_parser parser;
  parser.feed("*x\r\n");
  EXPECT_FALSE(parser.failed());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(parser.next());
    EXPECT_TRUE(parser.failed());
    EXPECT_EQ(parser.error(), error_start + "invalid multibulk length");
    parser.feed("PING\r\n");
  }
}

TEST(resp_parser, the_limit_of_inline_commands) {
  const resp_limits limits{.inline_size_max_bytes = 10};
  expect_outcome("0123456789\n", {{{"0123456789"}}, ""}, limits);
  expect_outcome("012345678\r\n", {{{"012345678"}}, ""}, limits);
  expect_error("01234567890", "too big inline request", limits);
  expect_error("0123456789\r\n", "too big inline request", limits);
  expect_outcome("0123456789", {}, limits);
}

TEST(resp_parser, the_limit_of_length_lines) {
  const resp_limits limits{.inline_size_max_bytes = 10};
  expect_error("*0123456789", "too big mbulk count string", limits);
  expect_error("*123456789\r\n", "invalid multibulk length", limits);
  expect_outcome("*123456789\r", {}, limits);
  expect_error("*1\r\n$0123456789", "too big bulk count string", limits);
  expect_error("*1\r\n$000456789\r\n", "invalid bulk length", limits);
  expect_outcome("*1\r\n$000456789", {}, limits);
}

TEST(resp_parser, a_limit_below_the_usual_length_line_holds_too) {
  const resp_limits limits{.inline_size_max_bytes = 2};
  expect_outcome("*1\r\n$2\r\nab\r\n", {{{"ab"}}, ""}, limits);
  expect_error("*24\r\n", "too big mbulk count string", limits);
}

TEST(resp_parser, redis_limit_of_64_kib_for_lines) {
  const std::size_t size = 64 << 10;
  EXPECT_EQ(parse(std::string(size, 'x')), outcome{});
  EXPECT_EQ(parse(std::string(size + 1, 'x')).error, error_start + "too big inline request");
  EXPECT_EQ(parse("*" + std::string(size, '1')).error, error_start + "too big mbulk count string");
  EXPECT_EQ(parse("*1\r\n$" + std::string(size, '1')).error,
            error_start + "too big bulk count string");
}

TEST(resp_parser, the_limit_of_arguments) {
  const resp_limits limits{.arguments_max = 2};
  expect_outcome(encoded({"a", "b"}) + "c d\n", {{{"a", "b"}, {"c", "d"}}, ""}, limits);
  expect_error("*3\r\n", "invalid multibulk length", limits);
  expect_error("a b c\n", "too big inline request", limits);
}

TEST(resp_parser, the_limit_of_a_bulk_is_met_with_its_length) {
  const resp_limits limits{.bulk_size_max_bytes = 4};
  expect_outcome(encoded({"abcd"}), {{{"abcd"}}, ""}, limits);
  expect_error("*1\r\n$5\r\n", "invalid bulk length", limits);
}

TEST(resp_parser, the_limit_of_a_request_is_met_with_the_length_that_exceeds_it) {
  const std::string request = encoded({"SET", "key", "value"});
  const resp_limits limits{.request_size_max_bytes = request.size()};
  expect_outcome(request + request, {{{"SET", "key", "value"}, {"SET", "key", "value"}}, ""},
                 limits);
  const std::string longer = encoded({"SET", "key", "value2"});
  expect_error(longer.substr(0, longer.size() - 8), "too big request", limits);
  expect_error("*9\r\n$3\r\nabc\r\n$3\r\nabc\r\n$2\r\nab\r\n$0\r\n\r\n$0\r\n", "too big request",
               limits);
}

TEST(resp_parser, arguments_of_a_whole_command_are_views_into_the_chunk) {
  resp_parser parser;
  const std::string chunk = encoded({"SET", "key", "value"}) + "GET key\r\n";
  parser.feed(chunk);
  for (int i = 0; i < 2; ++i) {
    const auto command = parser.next();
    ASSERT_TRUE(command);
    for (const auto argument : *command) {
      EXPECT_GE(argument.data(), chunk.data());
      EXPECT_LE(argument.data() + argument.size(), chunk.data() + chunk.size());
    }
  }
  EXPECT_FALSE(parser.next());
  EXPECT_EQ(parser.pending_size_bytes(), 0u);
}

TEST(resp_parser, only_what_belongs_to_an_incomplete_command_is_stored) {
  resp_parser parser;
  const std::string first = "PING\r\n*2\r\n$4\r\nEC";
  const std::string second = "HO\r\n$2\r\nab\r\n" + encoded({"GET", "key"});
  parser.feed(first);
  EXPECT_TRUE(parser.next());
  EXPECT_FALSE(parser.next());
  EXPECT_EQ(parser.pending_size_bytes(), 10u);
  parser.feed(second);
  EXPECT_EQ(next_words(parser), (words{"ECHO", "ab"}));
  const auto command = parser.next();
  ASSERT_TRUE(command);
  EXPECT_EQ((*command)[1].data(), second.data() + second.size() - 5);
  EXPECT_FALSE(parser.next());
}

TEST(resp_parser, an_announced_length_takes_no_memory) {
  resp_parser parser;
  const std::uint64_t before = myra::test::allocation_count();
  parser.feed("*1048576\r\n$536870912\r\n");
  EXPECT_FALSE(parser.next());
  EXPECT_FALSE(parser.failed());
  EXPECT_LE(myra::test::allocation_count(), before + 1);  // the tail
}

TEST(resp_parser, a_long_value_in_small_pieces) {
  const std::string value(1 << 20, 'v');
  const std::string request = encoded({"SET", "key", value});
  for (const std::size_t step : {16384u, 1000u, 1u}) {
    resp_parser parser;
    std::size_t count = 0;
    for (std::size_t at = 0; at < request.size(); at += step) {
      parser.feed(std::string_view(request).substr(at, step));
      while (const auto command = parser.next()) {
        ASSERT_EQ(command->size(), 3u);
        EXPECT_TRUE((*command)[2] == value);
        ++count;
      }
    }
    EXPECT_EQ(count, 1u);
  }
}

TEST(resp_parser, many_arguments_in_small_pieces) {
  const words arguments(100000, "ab");
  const std::string request = encoded(arguments);
  resp_parser parser;
  for (std::size_t at = 0; at < request.size(); at += 7) {
    parser.feed(std::string_view(request).substr(at, 7));
    while (const auto command = parser.next()) EXPECT_TRUE(copy(*command) == arguments);
  }
  EXPECT_EQ(parser.pending_size_bytes(), 0u);
  EXPECT_FALSE(parser.failed());
}

TEST(resp_parser, the_steady_state_allocates_nothing) {
  std::string stream;
  for (std::size_t i = 0; i < 200; ++i)
    stream += encoded({"SET", "key", std::string(i, 'v')}) + "GET key\r\nECHO \"a b\"\r\n";
  resp_parser parser;
  std::size_t count = 0;
  const auto feed_all = [&] {
    for (std::size_t at = 0; at < stream.size(); at += 1000) {
      parser.feed(std::string_view(stream).substr(at, 1000));
      while (parser.next()) ++count;
    }
  };
  feed_all();  // the storage reaches its size
  const std::uint64_t before = myra::test::allocation_count();
  feed_all();
  feed_all();
  EXPECT_EQ(myra::test::allocation_count(), before);
  EXPECT_EQ(count, 3u * 600);
}

TEST(resp_parser, storage_above_what_is_kept_is_given_back_and_taken_anew) {
  const std::string request = encoded({"SET", "key", std::string(2000, 'v')});
  const auto allocations_of_second_request = [&](std::size_t kept) {
    resp_parser parser({.kept_size_max_bytes = kept});
    std::uint64_t before = 0;
    for (int i = 0; i < 2; ++i) {
      before = myra::test::allocation_count();
      parser.feed(std::string_view(request).substr(0, 1000));
      EXPECT_FALSE(parser.next());
      parser.feed(std::string_view(request).substr(1000));
      EXPECT_TRUE(parser.next());
      EXPECT_FALSE(parser.next());
    }
    return myra::test::allocation_count() - before;
  };
  if (!myra::test::allocations_are_counted())
    GTEST_SKIP() << "this sanitizer's operator new is not replaced";
  EXPECT_EQ(allocations_of_second_request(4096), 0u);
  EXPECT_GT(allocations_of_second_request(1024), 0u);
}

TEST(resp_parser, an_incomplete_command_moves_with_the_parser) {
  resp_parser first;
  first.feed("*2\r\n$3\r\nGET\r\n$3\r\nk");
  EXPECT_FALSE(first.next());
  resp_parser second(std::move(first));
  second.feed("ey\r\n");
  EXPECT_EQ(next_words(second), (words{"GET", "key"}));
}

}  // namespace
}  // namespace kv
