#include "myra/transport/connection_state.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>
#include <utility>

namespace myra {
namespace {

using enum connection_state;
using steps = std::set<std::pair<std::string, std::string>>;

constexpr std::pair<connection_state, const char*> all[] = {{open, "open"},
                                                            {sending_closed, "sending_closed"},
                                                            {receiving_closed, "receiving_closed"},
                                                            {draining, "draining"},
                                                            {closing, "closing"},
                                                            {closed, "closed"}};
static_assert(std::size(all) == connection_state_count);

/// The arrows of docs/states.md; its birth and death are one step, from closed to open.
steps drawn() {
  std::ifstream page(MYRA_SOURCE_DIR "/docs/states.md");
  steps found;
  for (std::string line; std::getline(page, line);) {
    const auto arrow = line.find(" --> ");
    if (arrow == std::string::npos) continue;
    const auto begin = line.find_first_not_of(' ');
    const std::string from = line.substr(begin, arrow - begin);
    const std::string to = line.substr(arrow + 5, line.find(" :", arrow) - arrow - 5);
    if (to == "[*]") continue;
    EXPECT_TRUE(found.emplace(from == "[*]" ? "closed" : from, to).second) << line;
  }
  return found;
}

TEST(connection_state, the_page_draws_the_machine) {
  steps machine;
  for (const auto& [from, from_name] : all)
    for (const auto& [to, to_name] : all)
      if (may_follow(from, to)) machine.emplace(from_name, to_name);
  EXPECT_EQ(drawn(), machine);
}

TEST(connection_state, no_state_is_left_twice_without_a_birth) {
  // But for the birth, steps lead to later states only, so that every life ends.
  for (const auto& [from, from_name] : all)
    for (const auto& [to, to_name] : all)
      if (from != closed && may_follow(from, to)) {
        EXPECT_GT(to, from) << from_name << " to " << to_name;
      }
}

TEST(connection_state, every_state_but_the_last_leads_to_the_end) {
  for (const auto& [from, name] : all)
    if (from != closed) {
      EXPECT_TRUE(may_follow(from, closing) || may_follow(from, closed)) << name;
    }
}

}  // namespace
}  // namespace myra
