// Driving a reactor: by itself, by a foreign loop, until a signal; its drain; and what it says of
// handlers that block.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>

#include <thread>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class driving_case : public conformance_test {
 protected:
  /// What a foreign loop does: poll(2) on the descriptor until the next deadline, then a turn that
  /// does not wait.
  void drive_foreign(const std::function<bool()>& done) {
    const auto end = present() + patient(10s);
    while (!done() && present() < end) {
      pollfd asked{.fd = on().descriptor(), .events = POLLIN, .revents = 0};
      const auto until = std::min(on().next_deadline(), end) - present();
      const auto ms = std::chrono::ceil<std::chrono::milliseconds>(until).count();
      const int ready = ::poll(&asked, 1, static_cast<int>(std::max<long>(ms, 0)));
      ASSERT_GE(ready, 0);
      if (ready == 0) host().waited(until);
      ASSERT_TRUE(on().run_once(0ms));
    }
    EXPECT_TRUE(done()) << "the foreign loop slept over it";
  }
  /// As the contract of run_until_signal wants it: before there are threads that would take the
  /// signals.
  void block_signals() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGINT);
    ::sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  void TearDown() override {
    conformance_test::TearDown();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  void SetUp() override {
    conformance_test::SetUp();
    ::pthread_sigmask(SIG_SETMASK, nullptr, &before_);
  }
  reactor_options watched(duration threshold, bool watchdog) {
    auto made = options();
    made.stall_threshold = threshold;
    made.watchdog = watchdog;
    return made;
  }

 private:
  sigset_t before_{};
};

TEST_P(driving_case, a_foreign_loop_echoes) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  ASSERT_TRUE(on().run_once(0ms));
  const auto bytes = pattern(200'000);
  auto peer = host().dial(at.local(), {send(bytes), receive(bytes.size()), send("x"), receive(1),
                                       half_close(), receive_to_end()});
  drive_foreign([&] { return seen.closes == 1; });
  EXPECT_EQ(peer->finish().received, bytes + "x");
}

TEST_P(driving_case, a_foreign_loop_sees_posts_and_timers) {
  int ran = 0;
  host().keep_pace();
  ASSERT_TRUE(on().run_once(0ms));
  std::thread other([&] {
    std::this_thread::sleep_for(20ms);
    EXPECT_EQ(on().post([&]() noexcept { ++ran; }), post_status::accepted);
  });
  drive_foreign([&] { return ran == 1; });
  other.join();
  struct ring : timer {
    explicit ring(int& to)
        : timer([](timer& fired) noexcept { ++static_cast<ring&>(fired).count; }), count(to) {}
    int& count;
  } alarm(ran);
  const auto began = present();
  on().internals().timers().arm(alarm, began + 30ms);
  drive_foreign([&] { return ran == 2; });
  EXPECT_GE(present() - began, 30ms);
}

TEST_P(driving_case, a_foreign_loop_cancels_a_connect_to_a_full_unix_backlog) {
  struct noted : io::connect_operation {
    noted()
        : connect_operation([](io::operation& completed, io::completion& what) noexcept {
            static_cast<noted&>(completed).result = what.result;
          }) {}
    int result = 1;
  };
  const auto to =
      host().silent(endpoint::parse("unix:@myra-foreign-" + std::to_string(::getpid())).value());
  io::backend& backend = on().internals().backend();
  for (int turns = 0; turns < 4; ++turns) {
    noted connect;
    connect.descriptor = backend.sockets().open(AF_UNIX, SOCK_STREAM, 0);
    connect.address = to.address();
    connect.address_size = to.size();
    backend.submit(connect);
    for (int i = 0; i < turns; ++i) ASSERT_TRUE(on().internals().turn(time_point{}));
    backend.cancel(connect);
    ASSERT_TRUE(on().run_once(0ms));
    const auto began = present();
    drive_foreign([&] { return connect.idle(); });
    EXPECT_LT(present() - began, patient(1s)) << "after " << turns << " turns";
    turn_until([&] { return connect.idle(); });
    EXPECT_EQ(connect.result, -ECANCELED);
    backend.sockets().close(connect.descriptor);
  }
}

TEST_P(driving_case, a_foreign_loop_waits_for_a_full_unix_backlog_without_spinning) {
  if (on().backend() != io::backend_kind::epoll)
    GTEST_SKIP() << "the kernel tries again by itself, and has us run what it tries";
  const auto to =
      host().silent(endpoint::parse("unix:@myra-waiting-" + std::to_string(::getpid())).value());
  dialled outcome;
  connect_options options;
  options.deadline = 200ms;
  const connect_attempt attempt = connect(on(), std::array{to}, options, outcome.note());
  const auto before = on().counters().backend.waits;
  drive_foreign([&] { return outcome.calls == 1; });
  EXPECT_EQ(outcome.error(), condition::timed_out);
  // It is asked every 2 ms.
  EXPECT_LT(on().counters().backend.waits - before, 500U);
}

TEST_P(driving_case, a_foreign_loop_gives_the_cpu_back_when_nothing_happens) {
  record& seen = handler();
  listen(seen);
  ASSERT_TRUE(on().run_once(0ms));
  pollfd asked{.fd = on().descriptor(), .events = POLLIN, .revents = 0};
  int woken = 0;
  for (int i = 0; i < 5; ++i) {
    woken += ::poll(&asked, 1, 10);
    ASSERT_TRUE(on().run_once(0ms));
  }
  EXPECT_LE(woken, 1) << "the descriptor stays readable with nothing to do";
}

TEST_P(driving_case, an_idle_turn_costs_one_kernel_entry) {
  reactor_options wanted = options();
  wanted.wait = io::waiting::block;  // looks of a spin are entries as well, where epoll makes them
  open_reactor(wanted);
  turn_for(5ms);
  const auto before = on().counters().kernel_entries;
  ASSERT_TRUE(on().internals().turn(present() + 30ms));
  EXPECT_LE(on().counters().kernel_entries - before, 2U);
}

TEST_P(driving_case, the_backend_that_was_asked_for_and_why) {
  if (GetParam().options.backend != io::backend_kind::automatic) {
    EXPECT_EQ(on().backend(), GetParam().options.backend);
  }
  EXPECT_NE(on().backend(), io::backend_kind::automatic);
  EXPECT_FALSE(on().reason().empty());
}

TEST_P(driving_case, a_handler_that_blocks_is_counted_and_logged) {
  open_reactor(watched(30ms, false));
  record& seen = handler();
  seen.when_received = [this](connection&, message&) { pass(60ms); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), receive_to_end()});
  turn_until([&] { return on().counters().stalls >= 1; });
  EXPECT_TRUE(log().contain("blocked the loop"));
  act(seen.last, [](connection& to) { to.close(); });
  finish(*peer);
}

TEST_P(driving_case, a_handler_that_does_not_block_is_not_accused) {
  open_reactor(watched(patient(3s), true));
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), receive(1), wait(50ms), send("y"), receive(1)});
  finish(*peer);
  EXPECT_EQ(on().counters().stalls, 0U);
  EXPECT_FALSE(log().contain("blocked"));
}

TEST_P(driving_case, the_watchdog_reports_while_it_lasts) {
  if (simulated()) GTEST_SKIP() << "the watchdog's thread lives by the real clock";
  open_reactor(watched(30ms, true));
  record& seen = handler();
  bool reported_meanwhile = false;
  seen.when_received = [&](connection&, message&) {
    const auto end = present() + patient(5s);
    while (!log().contain("has blocked") && present() < end) std::this_thread::sleep_for(2ms);
    reported_meanwhile = log().contain("has blocked");
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), half_close(), receive_to_end()});
  turn_until([&] { return seen.messages == 1; });
  EXPECT_TRUE(reported_meanwhile);
  finish(*peer);
}

TEST_P(driving_case, stop_from_a_handler_ends_run_after_the_turn) {
  record& seen = handler();
  seen.when_received = [&](connection&, message&) { on().stop(); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), receive_to_end()});
  EXPECT_TRUE(on().run());
  EXPECT_EQ(seen.messages, 1);
  EXPECT_TRUE(act(seen.last, [](connection& to) { to.close(); })) << "stop must close nothing";
  finish(*peer);
}

TEST_P(driving_case, a_drain_of_nothing_is_done_at_once) {
  const auto began = present();
  EXPECT_TRUE(on().drain(1h));
  EXPECT_LT(present() - began, slack());
}

TEST_P(driving_case, a_drain_sends_what_is_queued_and_accepts_no_more) {
  record& seen = handler();
  const auto bytes = pattern(800'000);
  listener_options options;
  options.connection.send_buffer_bytes = 8192;
  seen.when_open = [&](connection& peer) { peer.send_copy(as_bytes(bytes)); };
  auto& at = listen(seen, options);
  const auto address = at.local();
  auto peer = host().dial(address, {small_window(), wait(20ms), receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  EXPECT_TRUE(on().drain(patient(10s)));
  EXPECT_EQ(seen.closes, 1);
  const auto told = peer->finish();
  EXPECT_TRUE(told.received == bytes);
  EXPECT_TRUE(told.saw_end);
  auto late = host().dial(address, {});
  EXPECT_FALSE(late->finish().connected);
}

TEST_P(driving_case, a_drain_tells_handlers_as_the_end_of_the_stream) {
  record& seen = handler();
  seen.when_ended = [](connection& peer) {
    peer.send_copy(as_bytes("goodbye"));
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  EXPECT_TRUE(on().drain(patient(5s)));
  EXPECT_EQ(seen.ends, 1);
  EXPECT_EQ(peer->finish().received, "goodbye");
}

TEST_P(driving_case, a_handler_may_go_on_through_a_drain_until_it_is_done) {
  record& seen = handler();
  int drains = 0;
  seen.when_drained = [&](connection& peer) {
    ++drains;
    peer.send_copy(as_bytes("soon"));
  };
  seen.when_received = [](connection& peer, message&) { peer.close(); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive(4), wait(20ms), send("now"), receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  EXPECT_TRUE(on().drain(patient(10s)));
  EXPECT_EQ(drains, 1);
  EXPECT_EQ(seen.received, "now");
  EXPECT_EQ(seen.ends, 0);
  EXPECT_TRUE(peer->finish().saw_end);
}

TEST_P(driving_case, a_drain_cuts_at_its_deadline_and_says_so) {
  record& seen = handler();
  seen.when_ended = [](connection&) {};  // never closes
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  const auto began = present();
  EXPECT_FALSE(on().drain(60ms));
  EXPECT_GE(present() - began, 60ms);
  EXPECT_LT(present() - began, 60ms + slack());
  turn_until([&] { return seen.closes == 1; });
  const auto told = finish(*peer);
  EXPECT_TRUE(told.saw_end || told.saw_reset);
}

TEST_P(driving_case, a_signal_drains_and_ends_with_zero) {
  block_signals();
  record& seen = handler();
  auto& at = listen(seen);
  seen.when_open = [](connection&) { ::kill(::getpid(), SIGTERM); };
  auto peer = host().dial(at.local(), {receive_to_end()});
  EXPECT_EQ(on().run_until_signal({.drain_deadline = patient(5s)}), 0);
  EXPECT_EQ(seen.closes, 1);
  EXPECT_TRUE(peer->finish().saw_end);
}

TEST_P(driving_case, a_signal_with_connections_that_do_not_end_gives_one) {
  block_signals();
  record& seen = handler();
  seen.when_ended = [](connection&) {};
  auto& at = listen(seen);
  seen.when_open = [](connection&) { ::kill(::getpid(), SIGINT); };
  auto peer = host().dial(at.local(), {receive_to_end()});
  EXPECT_EQ(on().run_until_signal({.drain_deadline = 30ms}), 1);
  turn_until([&] { return seen.closes == 1; });
  finish(*peer);
}

TEST_P(driving_case, counters_grow_with_what_happens) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  connection_counters of_connection;
  seen.when_ended = [&](connection& peer) {
    of_connection = peer.counters();
    peer.close();
  };
  const auto before = on().counters();
  auto peer = host().dial(at.local(),
                          {send(pattern(30'000)), receive(30'000), half_close(), receive_to_end()});
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  const auto after = on().counters();
  EXPECT_EQ(after.bytes_received - before.bytes_received, 30'000U);
  EXPECT_EQ(after.bytes_sent - before.bytes_sent, 30'000U);
  EXPECT_EQ(after.messages_received - before.messages_received,
            static_cast<std::uint64_t>(seen.messages));
  EXPECT_EQ(of_connection.bytes_received, 30'000U);
  EXPECT_EQ(of_connection.messages_received, static_cast<std::uint64_t>(seen.messages));
  EXPECT_GT(after.kernel_entries, before.kernel_entries);
  EXPECT_EQ(at.counters().accepted, 1U);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, driving_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
