// The self-test finds nothing on a kernel that is right, and what goes wrong on one that is not:
// the wire stands in for that.
#include "myra/io/uring/self_test.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <optional>
#include <system_error>
#include <utility>

#include "myra/core/error.hpp"
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
    const auto here = self_test(with_everything());
    for (const failed_feature& each : here->wrong) GTEST_SKIP() << each.name << ": " << each.why;
  }
};

/// Two bytes change places, as when two buffers do.
void mix_up(mutable_byte_view bytes) {
  if (bytes.size() > 64) std::swap(bytes.front(), bytes[bytes.size() / 2]);
}

std::vector<std::string> names_of(const std::vector<failed_feature>& features) {
  std::vector<std::string> names;
  for (const failed_feature& each : features) names.emplace_back(each.name);
  return names;
}
std::vector<std::string> names_of(const self_test_report& report) { return names_of(report.wrong); }

/// No descriptor above those that are open, and `few` more, for as long as it exists.
class few_descriptors {
 public:
  explicit few_descriptors(int few) {
    // UBSan looks at what has virtual functions through a pipe, the first time.
    for (const std::error_category* of : {&std::system_category(), &std::generic_category()}) {
      const std::error_code full(EMFILE, *of);
      EXPECT_EQ(full, condition::resource_exhausted) << full.message();
    }
    ::getrlimit(RLIMIT_NOFILE, &before_);
    std::vector<int> taken;
    for (int i = 0; i < few; ++i) taken.push_back(::dup(0));
    rlimit less = before_;
    less.rlim_cur = taken.empty() ? 0 : static_cast<rlim_t>(taken.back()) + 1;
    for (const int each : taken) ::close(each);
    ::setrlimit(RLIMIT_NOFILE, &less);
  }
  few_descriptors(const few_descriptors&) = delete;
  few_descriptors& operator=(const few_descriptors&) = delete;
  ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(self_test_case, nothing_is_wrong_here) {
  for (const uring_options& options : {uring_options(), with_everything()}) {
    const self_test_report found = run_self_test(options);
    EXPECT_EQ(found.unusable, "");
    EXPECT_EQ(names_of(found), std::vector<std::string>());
    EXPECT_EQ(names_of(found.untried), std::vector<std::string>());
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
  const auto first = self_test({});
  EXPECT_EQ(first, self_test({}));
  EXPECT_NE(first, self_test(with_everything()));
}

TEST_F(self_test_case, nothing_is_found_wrong_where_no_ring_can_be_opened) {
  std::optional<few_descriptors> none(0);
  const self_test_report found = run_self_test({}, [](const feature_switches&, mutable_byte_view) {
    return false;  // nothing would come
  });
  none.reset();
  EXPECT_EQ(found.unusable, "");
  EXPECT_TRUE(found.wrong.empty());
  // Nor is anything found right.
  EXPECT_EQ(names_of(found.untried),
            (std::vector<std::string>{"multishot receive", "receive limit"}));
}

TEST_F(self_test_case, what_could_not_be_tried_is_left_unused_and_tried_another_time) {
  static bool tried = false;
  if (std::exchange(tried, true)) GTEST_SKIP() << "it was tried in the life of this process";
  uring_options options;  // another set than that of the other cases
  options.features.receive_limit = false;
  // For the ring, for what wakes it, and for some of the sockets.
  for (const int few : {0, 1, 2, 4, 6}) {
    const few_descriptors here(few);
    const auto found = self_test(options);
    EXPECT_EQ(found->unusable, "");
    EXPECT_TRUE(found->wrong.empty());
    ASSERT_EQ(names_of(found->untried), std::vector<std::string>{"multishot receive"}) << few;
    feature_switches features = options.features;
    const std::string words = avoid_failed(features, *found);
    EXPECT_FALSE(features.multishot_receive);
    EXPECT_NE(words.find("multishot receive left unused: the self-test could not try it: "),
              std::string::npos)
        << words;
    EXPECT_NE(words.find("RLIMIT_NOFILE"), std::string::npos) << words;
  }
  const auto found = self_test(options);
  EXPECT_EQ(names_of(found->untried), std::vector<std::string>());
  EXPECT_EQ(found, self_test(options));
}

TEST_F(self_test_case, what_went_wrong_and_could_not_be_tried_alone_is_left_unused) {
  std::optional<few_descriptors> none;
  const self_test_report found =
      run_self_test(with_everything(), [&](const feature_switches&, mutable_byte_view bytes) {
        mix_up(bytes);
        if (!none) none.emplace(0);
        return true;
      });
  none.reset();
  EXPECT_EQ(found.unusable, "");
  EXPECT_TRUE(found.wrong.empty());
  feature_switches features = with_everything().features;
  EXPECT_NE(avoid_failed(features, found), "");
  EXPECT_FALSE(features.multishot_receive);
  EXPECT_FALSE(features.receive_limit);
  EXPECT_FALSE(features.incremental_buffers);
  EXPECT_FALSE(features.receive_bundles);
}

TEST_F(self_test_case, one_that_could_not_be_tried_costs_the_others_nothing) {
  std::optional<few_descriptors> none;
  const self_test_report found = run_self_test(
      with_everything(), [&](const feature_switches& on_trial, mutable_byte_view bytes) {
        const bool all = on_trial.incremental_buffers && on_trial.receive_bundles;
        if (all) mix_up(bytes);
        // At the end of the second one's trial.
        if (!all && on_trial.receive_limit && bytes.empty() && !none) none.emplace(0);
        return true;
      });
  none.reset();
  EXPECT_EQ(found.unusable, "");
  EXPECT_TRUE(found.wrong.empty());
  EXPECT_EQ(names_of(found.untried),
            (std::vector<std::string>{"incremental buffer rings", "receive bundles"}));
}

TEST_F(self_test_case, a_ring_that_could_not_be_tried_says_so) {
  static bool tried = false;
  if (std::exchange(tried, true)) GTEST_SKIP() << "it was tried in the life of this process";
  const auto pool = buffer_pool::open({});
  ASSERT_TRUE(pool);
  uring_options options;  // another set than that of the other cases
  options.features.receive_limit = false;
  options.features.receive_bundles = true;
  options.features.direct_descriptors = false;
  const auto left_unused = "multishot receive left unused: the self-test could not try it: ";
  {
    const few_descriptors here(2);  // for the ring and what wakes it
    const auto opened = open_uring(options, **pool);
    ASSERT_TRUE(opened) << describe(opened.error());
    EXPECT_FALSE(opened->features.multishot_receive);
    EXPECT_FALSE(opened->features.receive_bundles);
    EXPECT_NE(opened->description.find(left_unused), std::string::npos) << opened->description;
    ASSERT_NE(opened->tested, nullptr);
    EXPECT_EQ(opened->tested->untried.size(), 2U);
  }
  {
    const few_descriptors here(2);
    const capabilities probed = probe_uring(options, **pool);
    ASSERT_TRUE(probed.uring) << probed.why;
    for (const feature& each : probed.features) {
      if (each.name != std::string_view("multishot receive")) continue;
      EXPECT_EQ(each.state, feature_state::available);
      EXPECT_NE(each.why.find("the self-test could not try it: "), std::string::npos) << each.why;
    }
  }
  const auto opened = open_uring(options, **pool);
  ASSERT_TRUE(opened) << describe(opened.error());
  EXPECT_TRUE(opened->features.multishot_receive);
  EXPECT_TRUE(opened->features.receive_bundles);
  EXPECT_EQ(opened->description.find(left_unused), std::string::npos) << opened->description;
}

}  // namespace
}  // namespace myra::io
