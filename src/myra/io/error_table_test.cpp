#include "myra/io/error_table.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "myra/core/error.hpp"

namespace myra::io {
namespace {

constexpr failing_call all_calls[] = {failing_call::set_up,         failing_call::enter,
                                      failing_call::accept,         failing_call::connect,
                                      failing_call::receive,        failing_call::send,
                                      failing_call::send_zero_copy, failing_call::receive_datagram,
                                      failing_call::send_datagram};
static_assert(std::size(all_calls) == failing_call_count);

std::string name_of_error(int error) {
  return error == any_other ? "any other" : ::strerrorname_np(error);
}

TEST(error_table, each_row_is_what_its_errno_is_answered_with) {
  for (const error_row& row : error_table())
    if (row.error != any_other) {
      EXPECT_EQ(reaction_to(row.call, -row.error), row.what)
          << name_of(row.call) << " " << name_of_error(row.error);
    }
}

TEST(error_table, each_call_has_one_last_row_for_what_has_none) {
  for (const failing_call call : all_calls) {
    std::vector<error_row> rows;
    std::ranges::copy_if(error_table(), std::back_inserter(rows),
                         [&](const error_row& row) { return row.call == call; });
    ASSERT_FALSE(rows.empty()) << name_of(call);
    EXPECT_EQ(rows.back().error, any_other) << name_of(call);
    EXPECT_EQ(reaction_to(call, -EXDEV), rows.back().what) << name_of(call);
  }
}

TEST(error_table, no_errno_has_two_rows_for_one_call) {
  std::set<std::pair<failing_call, int>> seen;
  for (const error_row& row : error_table())
    EXPECT_TRUE(seen.emplace(row.call, row.error).second)
        << name_of(row.call) << " " << name_of_error(row.error);
}

TEST(error_table, the_rows_of_one_call_are_together) {
  std::set<failing_call> ended;
  failing_call now = error_table().front().call;
  for (const error_row& row : error_table()) {
    if (row.call == now) continue;
    EXPECT_TRUE(ended.insert(now).second);
    EXPECT_FALSE(ended.contains(row.call)) << name_of(row.call);
    now = row.call;
  }
}

// accept(2), "Error handling": Linux tells of network errors that a new connection had by then, and
// they are to be treated like EAGAIN.
TEST(error_table, a_network_error_of_a_new_connection_costs_that_connection) {
  for (const int error :
       {ENETDOWN, EPROTO, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH})
    EXPECT_EQ(reaction_to(failing_call::accept, -error), reaction_to(failing_call::accept, -EAGAIN))
        << name_of_error(error);
}

// What is answered to with a pause has a name that callers can ask for, and so has what ends a
// connection.
TEST(error_table, what_is_backed_off_from_is_a_shortage) {
  for (const error_row& row : error_table()) {
    if (row.what != reaction::back_off || row.error == any_other) continue;
    const bool not_now = row.error == EAGAIN || row.error == EBUSY || row.error == EINTR;
    EXPECT_TRUE(not_now || kernel_error(-row.error) == condition::resource_exhausted)
        << name_of(row.call) << " " << name_of_error(row.error);
  }
}

TEST(error_table, what_ends_a_connection_has_a_portable_name) {
  for (const int error : {ECONNRESET, EPIPE, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, ENETDOWN}) {
    EXPECT_EQ(reaction_to(failing_call::receive, -error), reaction::close);
    EXPECT_EQ(reaction_to(failing_call::send, -error), reaction::close);
    const std::error_code code = kernel_error(-error);
    EXPECT_TRUE(code == condition::disconnected || code == condition::timed_out ||
                code == condition::unreachable)
        << name_of_error(error);
  }
}

/// The rows of a table in docs/errors.md, as `cells` between bars.
std::vector<std::string> documented_rows() {
  std::ifstream file(MYRA_SOURCE_DIR "/docs/errors.md");
  std::vector<std::string> rows;
  for (std::string line; std::getline(file, line);)
    for (const failing_call call : all_calls)
      if (line.starts_with("| " + std::string(name_of(call)) + " |")) rows.push_back(line);
  return rows;
}

TEST(error_table, the_page_is_the_table) {
  std::vector<std::string> rows;
  for (const error_row& row : error_table()) {
    std::ostringstream line;
    line << "| " << name_of(row.call) << " | " << name_of_error(row.error) << " | "
         << name_of(row.what) << " | " << row.meaning << " |";
    rows.push_back(line.str());
  }
  EXPECT_EQ(documented_rows(), rows);
}

TEST(error_table, a_limit_is_named_with_what_it_is_at_present) {
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  const std::string found =
      limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur);
  EXPECT_EQ(limit_words(EMFILE), " (RLIMIT_NOFILE is " + found + ")");
  EXPECT_NE(limit_words(ENFILE).find("fs.file-max is "), std::string::npos);
  EXPECT_NE(limit_words(ENOMEM).find("RLIMIT_MEMLOCK is "), std::string::npos);
  EXPECT_EQ(limit_words(ECONNRESET), "");
}

TEST(error_table, each_reaction_has_a_name_of_its_own) {
  std::set<std::string_view> names;
  for (const reaction what :
       {reaction::retry, reaction::back_off, reaction::close, reaction::fatal})
    names.insert(name_of(what));
  EXPECT_EQ(names.size(), reaction_count);
  EXPECT_FALSE(names.contains("?"));
}

}  // namespace
}  // namespace myra::io
