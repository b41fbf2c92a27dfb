#include "resp_reply.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace kv {
namespace {

TEST(resp_reply, every_kind) {
  std::string out;
  write_simple(out, "OK");
  write_error(out, "ERR no");
  write_integer(out, -42);
  write_bulk(out, "va\r\nlue");
  write_bulk(out, "");
  write_nil(out);
  write_array(out, 3);
  EXPECT_EQ(out, "+OK\r\n-ERR no\r\n:-42\r\n$7\r\nva\r\nlue\r\n$0\r\n\r\n$-1\r\n*3\r\n");
}

TEST(resp_reply, the_ends_of_the_integers) {
  std::string out;
  write_integer(out, 0);
  write_integer(out, INT64_MIN);
  write_integer(out, INT64_MAX);
  EXPECT_EQ(out, ":0\r\n:-9223372036854775808\r\n:9223372036854775807\r\n");
}

TEST(resp_reply, a_line_stays_one_line) {
  std::string out;
  write_error(out, "ERR \r\nx\n");
  write_simple(out, "");
  EXPECT_EQ(out, "-ERR   x \r\n+\r\n");
}

TEST(resp_reply, any_sink_that_takes_text_will_do) {
  struct counter {
    std::size_t size = 0;
    void append(std::string_view text) { size += text.size(); }
  } sink;
  write_bulk(sink, "12345");
  EXPECT_EQ(sink.size, 11u);
}

}  // namespace
}  // namespace kv
