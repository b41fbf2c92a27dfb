#include "myra/transport/error_words.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

#include "myra/transport/connector.hpp"

namespace myra {
namespace {

using namespace std::chrono_literals;

TEST(error_words, durations_in_their_largest_unit) {
  EXPECT_EQ(words_of(0s), "0 s");
  EXPECT_EQ(words_of(30s), "30 s");
  EXPECT_EQ(words_of(5min), "300 s");
  EXPECT_EQ(words_of(1500ms), "1500 ms");
  EXPECT_EQ(words_of(250us), "250 us");
  EXPECT_EQ(words_of(1001ns), "1001 ns");
}

TEST(error_words, a_connect_by_its_errors) {
  const endpoint first = endpoint::parse("127.0.0.1:9").value();
  const endpoint second = endpoint::parse("[::1]:9").value();
  const auto refused = kernel_error(-ECONNREFUSED);
  const auto unreachable = kernel_error(-ENETUNREACH);
  const auto no_address = make_error_code(transport_errc::no_address);
  const auto late = make_error_code(transport_errc::connect_timeout);
  const connect_options options{.deadline = 2s};
  struct row {
    std::error_code why;
    std::vector<connect_failure> failures;
    std::string words;
  };
  const row rows[] = {
      {refused, {{first, refused}}, "connect to 127.0.0.1:9: Connection refused"},
      {unreachable,
       {{first, refused}, {second, unreachable}},
       "connect to 127.0.0.1:9 (Connection refused), [::1]:9 (Network is unreachable): "
       "Network is unreachable"},
      {late,
       {{first, late}},
       "connect to 127.0.0.1:9 within 2 s: no address answered by the deadline"},
      {no_address, {}, "connect: there was no address to connect to"},
  };
  for (const row& each : rows)
    EXPECT_EQ(describe(connect_report(each.why, each.failures, options)), each.words);
}

TEST(error_words, a_limit_of_the_process_is_named_with_its_value) {
  const auto none_left = kernel_error(-EMFILE);
  const connect_failure failed{endpoint::parse("127.0.0.1:9").value(), none_left};
  const auto words = describe(connect_report(none_left, {&failed, 1}, {}));
  EXPECT_TRUE(words.starts_with("connect to 127.0.0.1:9 (RLIMIT_NOFILE is ")) << words;
  EXPECT_TRUE(words.ends_with("): Too many open files")) << words;
}

}  // namespace
}  // namespace myra
