#include "myra/reactor/reactor_group.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "myra/io/kernel_version_test.hpp"

namespace myra {
namespace {

using namespace std::chrono_literals;

reactor_options on(io::backend_kind backend) {
  reactor_options options;
  options.backend = backend;
  options.pool.slot_count_initial = 16;
  options.receive_buffer_count = 8;
  options.submission_entries = 64;
  options.completion_entries = 256;
  return options;
}

/// Writes down what its thread is, and what is asked of it.
struct diary {
  std::mutex lock;
  std::vector<std::string> lines;
  std::vector<std::thread::id> threads;
  void add(std::string line) {
    const std::lock_guard guard(lock);
    lines.push_back(std::move(line));
  }
};

class diarist final : public resident {
 public:
  diarist(diary& in, std::uint32_t index) : diary_(in), index_(std::to_string(index)) {}
  ~diarist() override { diary_.add("gone " + index_); }
  void leave() noexcept override { diary_.add("leave " + index_); }
  void end() noexcept override { diary_.add("end " + index_); }

 private:
  diary& diary_;
  std::string index_;
};

resident_maker diarists(diary& in) {
  return [&in](reactor&, std::uint32_t index) -> opened<std::unique_ptr<resident>> {
    const std::lock_guard guard(in.lock);
    in.threads.push_back(std::this_thread::get_id());
    return std::make_unique<diarist>(in, index);
  };
}

reactor_group open(const reactor_options& each, const group_options& options,
                   const resident_maker& make) {
  auto made = reactor_group::open(each, options, make);
  if (!made) throw std::runtime_error(describe(made.error()));
  return std::move(*made);
}

std::vector<unsigned> own_cpus() { return placement_of_this_thread().cpus; }

class reactor_group_test : public testing::TestWithParam<io::backend_kind> {
 protected:
  void SetUp() override {
    if (GetParam() == io::backend_kind::uring && !io::why_no_uring().empty())
      GTEST_SKIP() << io::why_no_uring();
  }
};

TEST_P(reactor_group_test, each_reactor_has_a_thread_of_its_own) {
  diary seen;
  reactor_group group = open(on(GetParam()), {.reactor_count = 3}, diarists(seen));
  ASSERT_EQ(group.size(), 3U);
  ASSERT_EQ(seen.threads.size(), 3U);
  EXPECT_NE(seen.threads[0], seen.threads[1]);
  EXPECT_NE(seen.threads[1], seen.threads[2]);
  std::atomic<int> ran{0};
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(group.at(i).post([&, i]() noexcept {
      if (std::this_thread::get_id() == seen.threads[i]) ++ran;
    }),
              post_status::accepted);
    EXPECT_EQ(group.at(i).backend(), GetParam());
  }
  group.stop();
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_TRUE(group.join(i).drained);
  EXPECT_EQ(ran, 3);
}

TEST_P(reactor_group_test, residents_leave_before_the_drain_and_outlive_the_reactor) {
  diary seen;
  {
    const reactor_group group = open(on(GetParam()), {.reactor_count = 1}, diarists(seen));
  }
  EXPECT_EQ(seen.lines, (std::vector<std::string>{"leave 0", "end 0", "gone 0"}));
}

TEST_P(reactor_group_test, one_reactor_ends_and_the_others_go_on) {
  diary seen;
  reactor_group group = open(on(GetParam()), {.reactor_count = 2}, diarists(seen));
  group.stop(0);
  EXPECT_TRUE(group.join(0).drained);
  std::atomic<bool> ran{false};
  EXPECT_EQ(group.at(1).post([&]() noexcept { ran = true; }), post_status::accepted);
  group.stop(0);  // that it has ended already is no matter
  group.stop(1);
  EXPECT_TRUE(group.join(1).drained);
  EXPECT_TRUE(ran);
}

TEST_P(reactor_group_test, threads_are_named_and_kept_on_their_processors) {
  const std::vector<unsigned> usable = own_cpus();
  ASSERT_FALSE(usable.empty());
  const std::string cpus = std::to_string(usable.front()) + "," + std::to_string(usable.back());
  diary seen;
  reactor_group group = open(
      on(GetParam()), {.reactor_count = 3, .cpus = cpus, .name = "a-long-name"}, diarists(seen));
  const std::vector<unsigned> expected = {usable.front(), usable.back(), usable.front()};
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::size_t at = usable.size() == 1 ? 0 : i;
    EXPECT_EQ(group.placed(i).cpus, std::vector<unsigned>{expected[at]});
    EXPECT_EQ(group.placed(i).name, "a-long-nam-" + std::to_string(i));
    std::atomic<int> verdict{0};
    EXPECT_EQ(group.at(i).post([&]() noexcept {
      cpu_set_t allowed;
      ::sched_getaffinity(0, sizeof allowed, &allowed);
      verdict = CPU_COUNT(&allowed) == 1 && CPU_ISSET(expected[at], &allowed) ? 1 : -1;
    }),
              post_status::accepted);
    while (verdict == 0) std::this_thread::yield();
    EXPECT_EQ(verdict, 1) << i;
  }
  EXPECT_EQ(own_cpus(), usable);  // the thread that opened the group stays where it was
}

TEST_P(reactor_group_test, memory_is_asked_for_where_the_processor_is) {
  const std::string first = std::to_string(own_cpus().front());
  diary seen;
  auto group = reactor_group::open(
      on(GetParam()), {.reactor_count = 1, .cpus = first, .local_memory = true}, diarists(seen));
  if (!group) GTEST_SKIP() << describe(group.error());
  EXPECT_TRUE(group->placed(0).memory_is_local);
  EXPECT_GE(group->placed(0).node, 0);
  reactor_group elsewhere = open(on(GetParam()), {.reactor_count = 1}, diarists(seen));
  EXPECT_FALSE(elsewhere.placed(0).memory_is_local);
}

TEST_P(reactor_group_test, what_cannot_be_opened_leaves_nothing_running) {
  diary seen;
  EXPECT_NE(check(group_options{.reactor_count = 0}).find("group.reactor_count: found 0"),
            std::string::npos);
  EXPECT_NE(check(group_options{.cpus = "x"}).find("group.cpus: found \"x\""), std::string::npos);
  EXPECT_NE(check(group_options{.local_memory = true}).find("group.local_memory"),
            std::string::npos);
  const auto absent = reactor_group::open(on(GetParam()), {.cpus = "1000"}, diarists(seen));
  ASSERT_FALSE(absent);
  EXPECT_NE(describe(absent.error()).find("group.cpus: found 1000"), std::string::npos);
  reactor_options wrong = on(GetParam());
  wrong.submission_entries = 3;
  EXPECT_FALSE(reactor_group::open(wrong, {}, diarists(seen)));
  const resident_maker second_refuses =
      [&](reactor&, std::uint32_t index) -> opened<std::unique_ptr<resident>> {
    if (index == 1) return report(std::make_error_code(std::errc::address_in_use), "the second");
    return std::make_unique<diarist>(seen, index);
  };
  const auto refused = reactor_group::open(on(GetParam()), {.reactor_count = 2}, second_refuses);
  ASSERT_FALSE(refused);
  EXPECT_NE(describe(refused.error()).find("the second"), std::string::npos);
  EXPECT_EQ(seen.lines, (std::vector<std::string>{"leave 0", "end 0", "gone 0"}));
}

TEST_P(reactor_group_test, a_signal_has_all_drain) {
  diary seen;
  reactor_group group = open(on(GetParam()), {.reactor_count = 2}, diarists(seen));
  sigset_t end;
  sigset_t before;
  ::sigemptyset(&end);
  ::sigaddset(&end, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &end, &before);
  ::kill(::getpid(), SIGTERM);
  bool told = false;
  EXPECT_TRUE(group.run_until_signal([&] { told = true; }));
  EXPECT_TRUE(told);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);  // the signal was taken: nothing happens here
}

void run_without_a_descriptor_for_signals(io::backend_kind backend, bool first_is_gone) {
  diary seen;
  reactor_options options = on(backend);
  options.log = {[](void* to, log_level, std::string_view line) noexcept {
                   static_cast<diary*>(to)->add(std::string(line));
                 },
                 &seen};
  reactor_group group = open(options, {.reactor_count = 2}, diarists(seen));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  std::vector<int> taken;
  const auto take_all = [&] {
    for (int next = ::dup(0); next >= 0; next = ::dup(0)) taken.push_back(next);
  };
  taken.push_back(::dup(0));
  const rlimit none_left{static_cast<rlim_t>(taken[0]), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  if (first_is_gone) {
    group.stop(0);
    group.join(0);
  }
  // Reactors that have just begun may still give some back.
  for (int i = 0; i < 10; ++i) {
    take_all();
    std::this_thread::sleep_for(10ms);
  }
  take_all();
  EXPECT_FALSE(group.run_until_signal());
  ::setrlimit(RLIMIT_NOFILE, &before);
  for (const int each : taken) ::close(each);
  EXPECT_EQ(
      std::ranges::count(seen.lines, "reactors: signals cannot be waited for: Too many open files"),
      1);
  EXPECT_EQ(std::ranges::count(seen.lines, "gone 1"), 1);
}

TEST_P(reactor_group_test, without_a_descriptor_for_signals_all_drain_and_it_says_why) {
  run_without_a_descriptor_for_signals(GetParam(), false);
}

TEST_P(reactor_group_test, it_says_why_when_the_first_reactor_has_ended_too) {
  run_without_a_descriptor_for_signals(GetParam(), true);
}

/// In a process that may have no thread more: 0 when both say so and signals are as they were.
[[noreturn]] void open_without_threads(io::backend_kind backend) {
  const rlimit none{1, 1};
  ::setrlimit(RLIMIT_NPROC, &none);
  if (::geteuid() == 0 && ::setuid(65534) != 0) std::_Exit(2);
  reactor_options options = on(backend);
  options.watchdog = true;
  const auto alone = reactor::open(options);
  const bool named = !alone && alone.error().what.find("watchdog") != std::string::npos;
  const auto group = reactor_group::open(
      on(backend), {},
      [](reactor&, std::uint32_t) -> opened<std::unique_ptr<resident>> { return nullptr; });
  sigset_t blocked;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  std::_Exit(named && !group && ::sigismember(&blocked, SIGTERM) == 0 ? 0 : 1);
}

TEST_P(reactor_group_test, a_thread_that_is_refused_is_an_error) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(open_without_threads(GetParam()), testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(backends, reactor_group_test,
                         testing::Values(io::backend_kind::uring, io::backend_kind::epoll),
                         [](const auto& tested) { return std::string(io::name_of(tested.param)); });

}  // namespace
}  // namespace myra
