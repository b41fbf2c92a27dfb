// The self-test finds nothing on a kernel that is right, and what goes wrong on one that is not:
// the wire stands in for that.
#include "myra/io/uring/self_test.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>

#include "myra/io/kernel_version_test.hpp"

namespace myra::io {
namespace {

uring_options with_everything() {
  uring_options options;
  options.features.incremental_buffers = options.features.receive_bundles = true;
  return options;
}

/// On a kernel that gets nothing wrong by itself. What the others get wrong is held to
/// tools/vm/features.toml.
class self_test_case : public testing::Test {
 protected:
  void SetUp() override {
    if (!why_no_uring().empty()) GTEST_SKIP() << why_no_uring();
    for (const failed_feature& each : self_test(with_everything()).wrong)
      GTEST_SKIP() << each.name << ": " << each.why;
  }
};

/// Two bytes change places, as when two buffers do.
void mix_up(mutable_byte_view bytes) {
  if (bytes.size() > 64) std::swap(bytes.front(), bytes[bytes.size() / 2]);
}

std::vector<std::string> names_of(const self_test_report& report) {
  std::vector<std::string> names;
  for (const failed_feature& each : report.wrong) names.emplace_back(each.name);
  return names;
}

TEST_F(self_test_case, nothing_is_wrong_here) {
  for (const uring_options& options : {uring_options(), with_everything()}) {
    const self_test_report found = run_self_test(options);
    EXPECT_EQ(found.unusable, "");
    EXPECT_EQ(names_of(found), std::vector<std::string>());
    std::printf("lasted %lld us\n", static_cast<long long>(found.lasted.count() / 1000));
  }
}

TEST_F(self_test_case, a_feature_that_mixes_up_bytes_is_named_and_the_others_stay) {
  const self_test_report found = run_self_test(
      with_everything(), [](const feature_switches& on_trial, mutable_byte_view bytes) {
        if (on_trial.incremental_buffers) mix_up(bytes);
        return true;
      });
  EXPECT_EQ(found.unusable, "");
  ASSERT_EQ(names_of(found), std::vector<std::string>{"incremental buffer rings"});
  EXPECT_NE(found.wrong[0].why.find("is not the one that was sent"), std::string::npos)
      << found.wrong[0].why;
  feature_switches features = with_everything().features;
  const std::string words = avoid_failed(features, found);
  EXPECT_FALSE(features.incremental_buffers);
  EXPECT_TRUE(features.receive_bundles);
  EXPECT_NE(words.find("incremental buffer rings left unused"), std::string::npos) << words;
  EXPECT_EQ(avoid_failed(features, found), "") << "it was off already";
}

TEST_F(self_test_case, of_two_that_go_wrong_together_the_later_is_left_out) {
  const self_test_report found = run_self_test(
      with_everything(), [](const feature_switches& on_trial, mutable_byte_view bytes) {
        if (on_trial.incremental_buffers && on_trial.receive_bundles) mix_up(bytes);
        return true;
      });
  EXPECT_EQ(names_of(found), std::vector<std::string>{"receive bundles"});
}

TEST_F(self_test_case, bytes_that_never_come_are_told_and_waited_for_no_longer_than_that) {
  uring_options options;
  const self_test_report found = run_self_test(
      options,
      [](const feature_switches& on_trial, mutable_byte_view) { return !on_trial.receive_limit; });
  ASSERT_EQ(names_of(found), std::vector<std::string>{"receive limit"});
  EXPECT_NE(found.wrong[0].why.find("only 0 of"), std::string::npos) << found.wrong[0].why;
}

TEST_F(self_test_case, multishot_receives_that_sleep_over_a_reset_are_left_out) {
  const self_test_report found =
      run_self_test({}, [](const feature_switches& on_trial, mutable_byte_view bytes) {
        return !bytes.empty() || !on_trial.multishot_receive;  // the reset does not come
      });
  ASSERT_EQ(names_of(found), std::vector<std::string>{"multishot receive"});
  EXPECT_NE(found.wrong[0].why.find("a reset that came right behind bytes was not told"),
            std::string::npos)
      << found.wrong[0].why;
}

TEST_F(self_test_case, where_even_one_shot_receives_go_wrong_io_uring_is_of_no_use) {
  const self_test_report found =
      run_self_test({}, [](const feature_switches&, mutable_byte_view bytes) {
        mix_up(bytes);
        return true;
      });
  EXPECT_NE(found.unusable.find("is not the one that was sent"), std::string::npos);
  EXPECT_TRUE(found.wrong.empty());
}

TEST_F(self_test_case, it_is_run_once) {
  const self_test_report& first = self_test({});
  EXPECT_EQ(&first, &self_test({}));
  EXPECT_NE(&first, &self_test(with_everything()));
}

TEST_F(self_test_case, nothing_is_found_wrong_where_no_ring_can_be_opened) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 0;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const self_test_report found = run_self_test({}, [](const feature_switches&, mutable_byte_view) {
    return false;  // nothing would come
  });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(found.unusable, "");
  EXPECT_TRUE(found.wrong.empty());
}

}  // namespace
}  // namespace myra::io
