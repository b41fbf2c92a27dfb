#include "options.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kv {
namespace {

std::expected<options, std::string> parse(const std::vector<const char*>& words) {
  return parse_options(words);
}

std::string complaint(const std::vector<const char*>& words) {
  const auto read = parse(words);
  return read ? "" : read.error();
}

TEST(OptionsTest, NoneAreNeeded) {
  const auto read = parse({});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->backend, myra::io::backend_kind::automatic);
  EXPECT_EQ(read->limits.clients_max, 10'000U);
}

TEST(OptionsTest, ReadsThemAll) {
  const auto read = parse({"--listen", "[::1]:7", "--backend", "epoll", "--value-max", "4096"});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->address, "[::1]:7");
  EXPECT_EQ(read->backend, myra::io::backend_kind::epoll);
  EXPECT_EQ(read->limits.value_size_max_bytes, 4096U);
}

TEST(OptionsTest, HelpEndsTheReading) {
  const auto read = parse({"--help", "--nonsense"});
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->help);
}

TEST(OptionsTest, ComplaintsNameTheOptionTheFindingAndTheRule) {
  EXPECT_EQ(complaint({"--port", "1"}), "there is no option '--port'; --help lists them");
  EXPECT_EQ(complaint({"--backend", "kqueue"}),
            "--backend is 'kqueue', must be auto, uring or epoll");
  EXPECT_EQ(complaint({"--clients-max", "0"}),
            "--clients-max is '0', must be a number from 1 to 1000000");
  for (const char* bad : {"", "x", "-1", "1x", "99999999999"}) {
    EXPECT_NE(complaint({"--clients-max", bad}), "") << bad;
  }
  EXPECT_EQ(complaint({"--key-max"}), "--key-max is '', must be a number from 16 to 536870912");
}

}  // namespace
}  // namespace kv
