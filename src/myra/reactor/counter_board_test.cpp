#include "myra/reactor/counter_board.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "myra/reactor/reactor.hpp"

namespace {

using myra::latency_timing;
using myra::reactor;
using myra::reactor_options;
using namespace std::chrono_literals;

class counter_board_test : public testing::TestWithParam<myra::io::backend_kind> {
 protected:
  reactor open(reactor_options options) {
    options.backend = GetParam();
    auto made = reactor::open(options);
    if (!made) throw std::runtime_error(myra::describe(made.error()));
    return std::move(*made);
  }
  void SetUp() override {
    reactor_options options;
    options.backend = GetParam();
    if (auto trial = reactor::open(options); !trial) GTEST_SKIP() << describe(trial.error());
  }
  /// A turn that has something to do.
  static void turn(reactor& on) {
    ASSERT_EQ(on.post([]() noexcept {}), myra::post_status::accepted);
    ASSERT_TRUE(on.run_once(1s));
  }
};

TEST_P(counter_board_test, IsThereWhenAskedForOnly) {
  EXPECT_EQ(open({}).board(), nullptr);
  EXPECT_NE(open({.publish_counters = true}).board(), nullptr);
  EXPECT_NE(open({.latency = latency_timing::turns}).board(), nullptr);
}

TEST_P(counter_board_test, ShowsWhatTheReactorCounts) {
  reactor on = open({.publish_counters = true});
  for (int i = 0; i < 5; ++i) turn(on);
  const auto shown = on.board()->counters();
  EXPECT_EQ(shown.posts, 5U);
  const auto own = on.counters();
  EXPECT_EQ(shown.kernel_entries, own.kernel_entries);
  EXPECT_EQ(shown.backend.waits, own.backend.waits);
  EXPECT_EQ(shown.buffers.free, own.buffers.free);
  EXPECT_EQ(on.board()->backend(), GetParam());
}

TEST_P(counter_board_test, KnowsWhereEachBufferIs) {
  reactor on =
      open({.pool = {.slot_count_initial = 64, .slot_count_max = 64}, .receive_buffer_count = 16});
  const auto sum = [](const myra::buffer_states& of) {
    return of.free + of.in_ring + of.in_flight + of.lent + of.detached;
  };
  turn(on);
  EXPECT_EQ(sum(on.counters().buffers), 64U);
  EXPECT_EQ(on.counters().buffers.detached, 0U);
  EXPECT_EQ(on.counters().buffers.lent, 0U);
  {
    const auto one = on.acquire();
    const auto other = on.acquire();
    EXPECT_EQ(on.counters().buffers.detached, 2U);
    EXPECT_EQ(sum(on.counters().buffers), 64U);
  }
  EXPECT_EQ(on.counters().buffers.detached, 0U);
  if (GetParam() == myra::io::backend_kind::uring) {
    EXPECT_GE(on.counters().buffers.in_ring, 1U);
    EXPECT_LE(on.counters().buffers.in_ring, 16U);
  }
}

TEST_P(counter_board_test, OutlivesTheReactorWithItsLastFigures) {
  std::shared_ptr<const myra::counter_board> board;
  {
    reactor on = open({.publish_counters = true});
    for (int i = 0; i < 3; ++i) turn(on);
    board = on.board();
  }
  EXPECT_EQ(board->counters().posts, 3U);
}

TEST_P(counter_board_test, MayBeReadWhileTheReactorRuns) {
  std::shared_ptr<const myra::counter_board> board;
  reactor* running = nullptr;
  std::atomic<bool> up = false;
  std::atomic<bool> stopped = false;
  std::thread thread([&] {
    reactor on = open({.latency = latency_timing::turns});
    board = on.board();
    running = &on;
    up.store(true, std::memory_order_release);
    EXPECT_TRUE(on.run());
    // The reactor has to be there until stop() has returned.
    while (!stopped.load(std::memory_order_acquire)) std::this_thread::yield();
  });
  while (!up.load(std::memory_order_acquire)) std::this_thread::yield();
  std::uint64_t before = 0;
  for (int i = 0; i < 500; ++i) {
    while (running->post([]() noexcept {}) != myra::post_status::accepted)
      std::this_thread::yield();
    const std::uint64_t now = board->counters().posts;
    EXPECT_GE(now, before);
    before = now;
    static_cast<void>(board->turns().count);
  }
  running->stop();
  stopped.store(true, std::memory_order_release);
  thread.join();
  EXPECT_LE(board->counters().posts, 500U);
  EXPECT_GT(board->turns().count, 0U);
}

TEST_P(counter_board_test, TimesTurnsThatHadWorkToDo) {
  reactor on = open({.latency = latency_timing::turns});
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(on.run_once(0s));
  const auto idle = on.board()->turns().count;
  ASSERT_EQ(on.post([]() noexcept { std::this_thread::sleep_for(3ms); }),
            myra::post_status::accepted);
  ASSERT_TRUE(on.run_once(1s));
  const auto turns = on.board()->turns();
  EXPECT_GT(turns.count, idle);
  EXPECT_LE(turns.count, idle + 3);
  EXPECT_GE(turns.sum_ns, 3'000'000U);
  EXPECT_GE(turns.quantile_ns(1), 3'000'000U);
  EXPECT_EQ(on.board()->messages().count, 0U);
}

TEST_P(counter_board_test, TurnsAreNotTimedUnlessAskedFor) {
  reactor on = open({.publish_counters = true});
  turn(on);
  EXPECT_EQ(on.board()->turns().count, 0U);
}

INSTANTIATE_TEST_SUITE_P(, counter_board_test,
                         testing::Values(myra::io::backend_kind::uring,
                                         myra::io::backend_kind::epoll),
                         [](const auto& of) { return std::string(myra::io::name_of(of.param)); });

}  // namespace
