#include "myra/transport/transport_error.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

#include "myra/core/error.hpp"
#include "myra/core/result.hpp"

namespace myra {
namespace {

struct expectation {
  transport_errc error;
  std::optional<condition> answer;
};

constexpr expectation table[] = {
    {transport_errc::end_of_stream, condition::disconnected},
    {transport_errc::closed, condition::disconnected},
    {transport_errc::idle_timeout, condition::timed_out},
    {transport_errc::write_timeout, condition::timed_out},
    {transport_errc::connect_timeout, condition::timed_out},
    {transport_errc::receive_timeout, condition::timed_out},
    {transport_errc::handler_threw, std::nullopt},
    {transport_errc::no_address, condition::invalid},
    {transport_errc::drain_timeout, condition::timed_out},
    {transport_errc::first_byte_timeout, condition::timed_out},
    {transport_errc::message_timeout, condition::timed_out},
};

TEST(transport_error, each_answers_to_its_condition_and_to_no_other) {
  for (const expectation& row : table)
    for (int asked = 1; asked <= static_cast<int>(condition::permission_denied); ++asked)
      EXPECT_EQ(make_error_code(row.error) == static_cast<condition>(asked),
                row.answer == static_cast<condition>(asked))
          << make_error_code(row.error).message() << ", condition " << asked;
}

TEST(transport_error, each_is_a_sentence_of_its_own) {
  std::set<std::string> seen;
  for (const expectation& row : table) {
    const std::string message = make_error_code(row.error).message();
    EXPECT_EQ(message.find("unknown"), std::string::npos) << message;
    EXPECT_TRUE(seen.insert(message).second) << message;
  }
  EXPECT_EQ(std::error_code(99, transport_category()).message(), "unknown transport error 99");
}

TEST(transport_error, errors_of_one_condition_stay_apart) {
  const std::error_code code = transport_errc::end_of_stream;
  EXPECT_TRUE(code == transport_errc::end_of_stream);
  EXPECT_FALSE(code == transport_errc::closed);
  EXPECT_STREQ(code.category().name(), "myra.transport");
  const result<int> failed = failure(transport_errc::idle_timeout);
  EXPECT_EQ(failed.error(), transport_errc::idle_timeout);
}

}  // namespace
}  // namespace myra
