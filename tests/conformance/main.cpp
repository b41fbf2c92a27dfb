// Runs the cases and says how many distinct ones there are. `conformance_test --count` only counts.
#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "variant.hpp"

namespace {

std::string_view after_slash(std::string_view name) { return name.substr(name.find('/') + 1); }
std::string_view before_slash(std::string_view name) { return name.substr(0, name.find('/')); }

/// A case is counted once, whatever it is run on.
void print_distinct_cases() {
  std::map<std::string, std::set<std::string>> topics;
  const testing::UnitTest& all = *testing::UnitTest::GetInstance();
  for (int i = 0; i < all.total_test_suite_count(); ++i) {
    const testing::TestSuite& suite = *all.GetTestSuite(i);
    for (int j = 0; j < suite.total_test_count(); ++j)
      topics[std::string(after_slash(suite.name()))].emplace(
          before_slash(suite.GetTestInfo(j)->name()));
  }
  std::size_t total = 0;
  std::size_t needing_kernel = 0;
  std::printf("distinct cases:\n");
  for (const auto& [topic, cases] : topics) {
    std::printf("  %-22s %3zu\n", topic.c_str(), cases.size());
    (topic == "kernel_case" ? needing_kernel : total) += cases.size();
  }
  std::printf(
      "  %zu for every backend and host, %zu that need the real kernel (kernel_case), %zu in all\n",
      total, needing_kernel, total + needing_kernel);
}

class summary : public testing::EmptyTestEventListener {
  void OnTestProgramEnd(const testing::UnitTest& run) override {
    if (run.test_to_run_count() > 1) print_distinct_cases();
  }
};

/// The variant of the one case that a filter names, or nothing. To register the cases of all the
/// others takes longer than most cases run.
std::string_view variant_asked_for(int count, char** arguments) {
  constexpr std::string_view option = "--gtest_filter=";
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    if (!word.starts_with(option)) continue;
    const std::string_view name = word.substr(option.size());
    const auto slash = name.rfind('/');
    if (name.find_first_of("*?:-") != std::string_view::npos || slash == std::string_view::npos)
      return {};
    return name.substr(slash + 1);
  }
  return {};
}

}  // namespace

int main(int count, char** arguments) {
  myra::conformance::keep_only(variant_asked_for(count, arguments));
  testing::InitGoogleTest(&count, arguments);
  if (count > 1 && std::string_view(arguments[1]) == "--count") {
    print_distinct_cases();
    return 0;
  }
  testing::UnitTest::GetInstance()->listeners().Append(new summary);
  return RUN_ALL_TESTS();
}
