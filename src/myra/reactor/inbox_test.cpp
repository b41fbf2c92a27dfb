#include "myra/reactor/inbox.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace myra {
namespace {

post_status post(inbox& to, posted_call call) {
  bool must_wake = false;
  return to.post(call, must_wake);
}

TEST(inbox, runs_what_was_posted_in_its_order) {
  inbox calls(8);
  std::string ran;
  EXPECT_TRUE(calls.empty());
  EXPECT_EQ(calls.drain(), 0U);
  EXPECT_EQ(post(calls, [&]() noexcept { ran += 'a'; }), post_status::accepted);
  EXPECT_EQ(post(calls, [&]() noexcept { ran += 'b'; }), post_status::accepted);
  EXPECT_FALSE(calls.empty());
  EXPECT_EQ(calls.drain(), 2U);
  EXPECT_EQ(ran, "ab");
  EXPECT_TRUE(calls.empty());
  EXPECT_EQ(calls.drain(), 0U);
}

TEST(inbox, only_the_first_of_those_waiting_has_to_wake) {
  inbox calls(8);
  for (int round = 0; round < 2; ++round) {
    for (const bool expected : {true, false, false}) {
      posted_call call = []() noexcept {};
      bool must_wake = !expected;
      EXPECT_EQ(calls.post(call, must_wake), post_status::accepted);
      EXPECT_EQ(must_wake, expected);
    }
    EXPECT_EQ(calls.drain(), 3U);
  }
}

TEST(inbox, at_capacity_nothing_is_taken) {
  inbox calls(2);
  int ran = 0;
  const auto count = [&]() noexcept { ++ran; };
  EXPECT_EQ(post(calls, count), post_status::accepted);
  EXPECT_EQ(post(calls, count), post_status::accepted);
  posted_call third = count;
  bool must_wake = true;
  EXPECT_EQ(calls.post(third, must_wake), post_status::back_pressured);
  EXPECT_FALSE(must_wake);
  ASSERT_TRUE(third);
  EXPECT_EQ(calls.drain(), 2U);
  EXPECT_EQ(calls.post(third, must_wake), post_status::accepted);
  EXPECT_TRUE(must_wake);
  EXPECT_FALSE(third);
  EXPECT_EQ(calls.drain(), 1U);
  EXPECT_EQ(ran, 3);
}

TEST(inbox, what_a_posted_call_posts_runs_in_the_next_drain) {
  inbox calls(8);
  std::string ran;
  post_status inner = post_status::closed;
  EXPECT_EQ(post(calls,
                 [&]() noexcept {
                   ran += 'a';
                   inner = post(calls, [&]() noexcept { ran += 'c'; });
                 }),
            post_status::accepted);
  EXPECT_EQ(post(calls, [&]() noexcept { ran += 'b'; }), post_status::accepted);
  EXPECT_EQ(calls.drain(), 2U);
  EXPECT_EQ(inner, post_status::accepted);
  EXPECT_EQ(ran, "ab");
  EXPECT_FALSE(calls.empty());
  EXPECT_EQ(calls.drain(), 1U);
  EXPECT_EQ(ran, "abc");
}

TEST(inbox, what_a_call_owns_is_gone_before_the_next_one_runs) {
  inbox calls(8);
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = owned;
  EXPECT_EQ(post(calls, [kept = std::move(owned)]() noexcept {}), post_status::accepted);
  bool gone = false;
  EXPECT_EQ(post(calls, [&]() noexcept { gone = watched.expired(); }), post_status::accepted);
  EXPECT_EQ(calls.drain(), 2U);
  EXPECT_TRUE(gone);
}

TEST(inbox, a_closed_one_takes_nothing_and_drops_what_it_has) {
  inbox calls(8);
  bool ran = false;
  EXPECT_EQ(post(calls, [&]() noexcept { ran = true; }), post_status::accepted);
  calls.close();
  EXPECT_TRUE(calls.empty());
  posted_call late = [&]() noexcept { ran = true; };
  bool must_wake = true;
  EXPECT_EQ(calls.post(late, must_wake), post_status::closed);
  EXPECT_FALSE(must_wake);
  EXPECT_TRUE(late);
  EXPECT_EQ(calls.drain(), 0U);
  EXPECT_FALSE(ran);
}

/// Posts when it is destroyed, as an owner of something with a loop of its own may.
struct poster {
  explicit poster(inbox& target) : to(&target) {}
  poster(poster&& other) noexcept : to(std::exchange(other.to, nullptr)), seen(other.seen) {}
  ~poster() {
    if (to != nullptr) *seen = post(*to, []() noexcept {});
  }
  inbox* to;
  post_status* seen = nullptr;
};

TEST(inbox, what_a_dropped_call_owns_is_destroyed_outside_the_lock) {
  inbox calls(8);
  post_status seen = post_status::accepted;
  poster owned(calls);
  owned.seen = &seen;
  EXPECT_EQ(post(calls, [kept = std::move(owned)]() noexcept {}), post_status::accepted);
  calls.close();  // would lock up otherwise
  EXPECT_EQ(seen, post_status::closed);
}

TEST(inbox, a_posted_call_may_close_it) {
  inbox calls(8);
  EXPECT_EQ(post(calls, [&]() noexcept { calls.close(); }), post_status::accepted);
  EXPECT_EQ(calls.drain(), 1U);
  EXPECT_EQ(post(calls, []() noexcept {}), post_status::closed);
}

TEST(inbox, from_many_threads_nothing_is_lost_and_each_threads_order_is_kept) {
  constexpr int thread_count = 4;
  constexpr int calls_each = 5000;
  inbox calls(64);
  std::atomic<int> wakes{0};
  std::vector<std::vector<int>> ran(thread_count);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < thread_count; ++thread)
    threads.emplace_back([&, thread] {
      std::vector<int>& mine = ran[static_cast<std::size_t>(thread)];
      for (int i = 0; i < calls_each; ++i) {
        posted_call call = [&mine, i]() noexcept { mine.push_back(i); };
        bool must_wake = false;
        while (calls.post(call, must_wake) != post_status::accepted) std::this_thread::yield();
        if (must_wake) wakes.fetch_add(1);
      }
    });
  int total = 0;
  int drains = 0;
  while (total < thread_count * calls_each) {
    const std::uint32_t count = calls.drain();
    total += static_cast<int>(count);
    if (count > 0) ++drains;
    if (count == 0) std::this_thread::yield();
  }
  for (std::thread& each : threads) each.join();
  EXPECT_TRUE(calls.empty());
  EXPECT_EQ(wakes.load(), drains);
  for (const std::vector<int>& each : ran) {
    ASSERT_EQ(each.size(), static_cast<std::size_t>(calls_each));
    for (int i = 0; i < calls_each; ++i) ASSERT_EQ(each[static_cast<std::size_t>(i)], i);
  }
}

}  // namespace
}  // namespace myra
