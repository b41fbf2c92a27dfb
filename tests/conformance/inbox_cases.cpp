// What other threads ask for: order, limits, wakes, and handles of connections that are no more.
#include <algorithm>
#include <atomic>
#include <thread>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class inbox_case : public conformance_test {};

TEST_P(inbox_case, each_threads_calls_run_in_its_order) {
  constexpr int thread_count = 4;
  constexpr int calls = 1'000;
  std::vector<std::vector<int>> ran(thread_count);
  host().keep_pace();
  std::vector<std::thread> threads;
  for (int t = 0; t < thread_count; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < calls; ++i)
        while (on().post([&ran, t, i]() noexcept {
          ran[static_cast<std::size_t>(t)].push_back(i);
        }) != post_status::accepted)
          std::this_thread::yield();
    });
  turn_until([&] {
    return std::all_of(ran.begin(), ran.end(),
                       [](const auto& each) { return each.size() == calls; });
  });
  for (auto& each : threads) each.join();
  for (const auto& each : ran) EXPECT_TRUE(std::is_sorted(each.begin(), each.end()));
}

TEST_P(inbox_case, a_full_one_takes_nothing) {
  auto small = options();
  small.inbox_capacity = 3;
  open_reactor(small);
  int ran = 0;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(on().post([&]() noexcept { ++ran; }), post_status::accepted);
  posted_call refused = [&]() noexcept { ran += 100; };
  EXPECT_EQ(on().internals().post(refused), post_status::back_pressured);
  EXPECT_TRUE(refused) << "the call was taken";
  turn_until([&] { return ran == 3; });
  EXPECT_EQ(on().internals().post(refused), post_status::accepted);
  turn_until([&] { return ran == 103; });
}

TEST_P(inbox_case, a_call_wakes_a_loop_that_sleeps) {
  std::atomic<bool> ran{false};
  host().keep_pace();
  std::thread other([&] {
    std::this_thread::sleep_for(30ms);
    EXPECT_EQ(on().post([&]() noexcept { ran = true; }), post_status::accepted);
  });
  const auto began = present();
  while (!ran && present() - began < 20s) ASSERT_TRUE(on().run_once(20s));
  EXPECT_LT(present() - began, 30ms + slack());
  other.join();
}

TEST_P(inbox_case, a_call_posted_by_a_call_runs_in_a_later_turn) {
  int turn = 0;
  int first = -1;
  int second = -1;
  EXPECT_EQ(on().post([&]() noexcept {
    first = turn;
    EXPECT_EQ(on().post([&]() noexcept { second = turn; }), post_status::accepted);
  }),
            post_status::accepted);
  for (; second < 0 && turn < 10; ++turn) ASSERT_TRUE(on().internals().turn(present() + 50ms));
  EXPECT_EQ(second, first + 1);
}

TEST_P(inbox_case, a_handler_posts_without_a_wait) {
  record& seen = handler();
  bool ran = false;
  seen.when_received = [&](connection&, message&) {
    EXPECT_EQ(on().post([&]() noexcept { ran = true; }), post_status::accepted);
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), wait(50ms)});
  const auto began = present();
  while (!ran && present() - began < 20s) ASSERT_TRUE(on().run_once(20s));
  EXPECT_LT(present() - began, slack());
  finish(*peer);
}

TEST_P(inbox_case, what_a_dying_reactor_drops_learns_that_it_is_closed) {
  struct last_wish {
    loop* to;
    std::optional<post_status>* told;
    last_wish(loop* on, std::optional<post_status>* answer) : to(on), told(answer) {}
    last_wish(last_wish&& other) noexcept
        : to(std::exchange(other.to, nullptr)), told(other.told) {}
    ~last_wish() {
      posted_call late = []() noexcept {};
      if (to != nullptr) *told = to->post(late);
    }
  };
  std::optional<post_status> told;
  bool ran = false;
  EXPECT_EQ(
      on().post([&ran, wish = last_wish(&on().internals(), &told)]() noexcept { ran = true; }),
      post_status::accepted);
  destroy_reactor();
  EXPECT_FALSE(ran);
  EXPECT_EQ(told, post_status::closed);
}

TEST_P(inbox_case, a_call_that_owns_a_buffer_brings_it_home_unrun) {
  buffer owned = on().acquire();
  EXPECT_EQ(on().post([kept = std::move(owned)]() noexcept {}), post_status::accepted);
  destroy_reactor();  // asserts that all buffers came home
}

TEST_P(inbox_case, a_handle_reaches_its_connection_from_any_thread) {
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive(400)});
  turn_until([&] { return seen.opens == 1; });
  host().keep_pace();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([to = seen.last] {
      for (int i = 0; i < 100; ++i)
        EXPECT_EQ(to.post([](connection& open) noexcept { open.send_copy(as_bytes("x")); }),
                  post_status::accepted);
    });
  EXPECT_EQ(finish(*peer).received.size(), 400U);
  for (auto& each : threads) each.join();
}

TEST_P(inbox_case, a_handle_of_a_dead_connection_does_nothing) {
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {close()});
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_FALSE(act(seen.last, [](connection& gone) { gone.abort(); }));
}

TEST_P(inbox_case, a_handle_does_not_reach_the_next_connection_in_the_same_place) {
  record& seen = handler();
  auto& at = listen(seen);
  std::vector<connection_handle> dead;
  for (int i = 1; i <= 5; ++i) {
    auto peer = host().dial(at.local(), {close()});
    finish(*peer);
    turn_until([&] { return seen.closes == i; });
    dead.push_back(seen.last);
  }
  auto living = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 6; });
  for (const auto& each : dead) {
    EXPECT_NE(each, seen.last);
    EXPECT_FALSE(act(each, [](connection& wrong) { wrong.abort(); }));
  }
  EXPECT_TRUE(act(seen.last, [](connection& right) { right.close(); }));
  EXPECT_TRUE(finish(*living).saw_end);
}

TEST_P(inbox_case, stop_from_another_thread_ends_run) {
  host().keep_pace();
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    on().stop();
  });
  const auto began = present();
  EXPECT_TRUE(on().run());
  EXPECT_LT(present() - began, 20ms + slack());
  other.join();
}

TEST_P(inbox_case, calls_and_traffic_do_not_starve_each_other) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  std::atomic<bool> stop{false};
  std::atomic<int> ran{0};
  host().keep_pace();
  std::thread other([&] {
    while (!stop) {
      static_cast<void>(on().post([&]() noexcept { ++ran; }));
      std::this_thread::yield();
    }
  });
  const auto bytes = pattern(50'000);
  auto peer = host().dial(at.local(), {send(bytes), receive(bytes.size())});
  EXPECT_EQ(finish(*peer).received, bytes);
  turn_until([&] { return ran > 0; });
  stop = true;
  other.join();
  turn_for(5ms);
  EXPECT_GT(ran, 0);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, inbox_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
