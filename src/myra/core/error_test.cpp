#include "myra/core/error.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

namespace myra {
namespace {

constexpr condition all_conditions[] = {
    condition::disconnected,       condition::timed_out,   condition::refused,
    condition::unreachable,        condition::cancelled,   condition::invalid,
    condition::resource_exhausted, condition::unsupported, condition::permission_denied,
};

struct expectation {
  int code;
  condition answer;
};

TEST(error, a_kernel_result_answers_to_its_condition_and_to_no_other) {
  const std::vector<expectation> table = {
      {ECONNRESET, condition::disconnected},
      {EPIPE, condition::disconnected},
      {ECONNABORTED, condition::disconnected},
      {ENOTCONN, condition::disconnected},
      {ESHUTDOWN, condition::disconnected},
      {ETIMEDOUT, condition::timed_out},
      {ETIME, condition::timed_out},
      {ECONNREFUSED, condition::refused},
      {EHOSTUNREACH, condition::unreachable},
      {ENETUNREACH, condition::unreachable},
      {ENETDOWN, condition::unreachable},
      {EMFILE, condition::resource_exhausted},
      {ENFILE, condition::resource_exhausted},
      {ENOBUFS, condition::resource_exhausted},
      {ENOMEM, condition::resource_exhausted},
      {ECANCELED, condition::cancelled},
      {EINVAL, condition::invalid},
      {ENOSYS, condition::unsupported},
      {EOPNOTSUPP, condition::unsupported},
      {EPERM, condition::permission_denied},
      {EACCES, condition::permission_denied},
  };
  for (const expectation& row : table)
    for (const condition asked : all_conditions)
      EXPECT_EQ(kernel_error(-row.code) == asked, row.answer == asked)
          << "errno " << row.code << ", condition " << static_cast<int>(asked);
}

TEST(error, an_errno_nobody_classified_answers_to_no_condition) {
  for (const condition asked : all_conditions) EXPECT_FALSE(kernel_error(-EXDEV) == asked);
}

TEST(error, generic_codes_answer_as_the_kernel_does) {
  EXPECT_TRUE(std::make_error_code(std::errc::timed_out) == condition::timed_out);
  EXPECT_TRUE(std::make_error_code(std::errc::operation_canceled) == condition::cancelled);
}

TEST(error, every_condition_is_a_sentence_of_its_own) {
  std::vector<std::string> seen;
  for (const condition asked : all_conditions) {
    const std::string message = make_error_condition(asked).message();
    EXPECT_NE(message, "unknown condition");
    for (const std::string& earlier : seen) EXPECT_NE(message, earlier);
    seen.push_back(message);
  }
}

TEST(error, a_report_is_described_in_one_line) {
  const opened<int> failed = report(kernel_error(-EADDRINUSE), "bind to 127.0.0.1:80");
  ASSERT_FALSE(failed);
  EXPECT_EQ(describe(failed.error()), "bind to 127.0.0.1:80: Address already in use");
}

}  // namespace
}  // namespace myra
