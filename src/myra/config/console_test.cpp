#include "myra/config/console.hpp"

#include <gtest/gtest.h>

#include <string>

namespace myra::config {
namespace {

TEST(console, a_refusal_is_one_line_with_the_programs_name_and_status_2) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(refuse("demo", "what it was"), 2);
  EXPECT_EQ(refuse("demo", {std::make_error_code(std::errc::address_in_use), "listener :80"}), 2);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "demo: what it was\ndemo: listener :80: Address already in use\n");
}

TEST(console, the_log_names_what_is_worse_than_information_and_leaves_out_what_is_less) {
  const log_sink log = log_to_stderr("demo");
  testing::internal::CaptureStderr();
  log(log_level::debug, "one");
  log(log_level::info, "two");
  log(log_level::warning, "three");
  log(log_level::error, "four");
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "demo: two\ndemo: warning: three\ndemo: error: four\n");
}

TEST(console, a_listener_is_announced_with_its_address_and_its_backend) {
  auto on = reactor::open({.backend = io::backend_kind::epoll}).value();
  const auto ready = listener::open(on, {.address = "127.0.0.1:0"}).value();
  testing::internal::CaptureStdout();
  announce(on, ready);
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "listening on " + ready.local().to_string() + " (epoll: " + on.reason() + ")\n");
}

}  // namespace
}  // namespace myra::config
