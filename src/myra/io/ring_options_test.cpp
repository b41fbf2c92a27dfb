#include "myra/io/ring_options.hpp"

#include <gtest/gtest.h>

namespace myra::io {
namespace {

using namespace std::chrono_literals;

void expect_named(const ring_options& options, std::string_view first, std::string_view second) {
  const std::string complaint = check(options);
  EXPECT_NE(complaint.find(first), std::string::npos) << complaint;
  EXPECT_NE(complaint.find(second), std::string::npos) << complaint;
}

TEST(ring_options, defaults_are_right) { EXPECT_EQ(check(ring_options{}), ""); }

TEST(ring_options, what_the_kernel_refuses_together_is_named) {
  ring_options options;
  options.submission_polling.on = true;
  EXPECT_EQ(check(options), "");
  options.tasks = task_running::interrupting;
  EXPECT_EQ(check(options), "");
  options.tasks = task_running::deferred;
  expect_named(options, "IORING_SETUP_DEFER_TASKRUN", "IORING_SETUP_SQPOLL");
  expect_named(options, "ring.tasks: found deferred", "ring.submission_polling.on = true");
  options.tasks = task_running::cooperative;
  expect_named(options, "IORING_SETUP_COOP_TASKRUN", "IORING_SETUP_SQPOLL");
}

TEST(ring_options, polling_of_storage_says_that_it_is_for_storage) {
  ring_options options;
  options.io_polling = true;
  expect_named(options, "ring.io_polling", "is for storage");
}

TEST(ring_options, details_of_a_thread_that_is_not_asked_for_are_named) {
  ring_options options;
  options.submission_polling.cpu = 0;
  expect_named(options, "ring.submission_polling.cpu: found 0", "ring.submission_polling.on");
  options.submission_polling = {.on = true, .cpu = 0};
  EXPECT_EQ(check(options), "");
  options.submission_polling = {.share_with = 3};
  expect_named(options, "ring.submission_polling.share_with", "ring.submission_polling.on");
}

TEST(ring_options, numbers_out_of_bounds_are_named) {
  ring_options options;
  for (duration wrong : {duration(0ms), duration(999us), duration(1500us), duration(2h)}) {
    options.submission_polling = {.on = true, .idle = wrong};
    expect_named(options, "ring.submission_polling.idle", "whole milliseconds");
  }
  options.submission_polling = {.on = true, .cpu = 1024};
  expect_named(options, "ring.submission_polling.cpu: found 1024", "-1 to 1023");
  options.submission_polling = {};
  options.minimum_wait.time = 1500ns;
  expect_named(options, "ring.minimum_wait.time: found 1500 ns", "whole microseconds");
  options.minimum_wait = {.time = 100us, .completions = 0};
  expect_named(options, "ring.minimum_wait.completions: found 0", "1 and more");
  options.minimum_wait = {};
  options.workers.cpus = "0-x";
  expect_named(options, "ring.workers.cpus: found \"0-x\"", "0-3,8");
}

}  // namespace
}  // namespace myra::io
