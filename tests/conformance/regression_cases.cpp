// Bugs that were found once: each case is the shortest way to one of them.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>

#include <optional>
#include <utility>

#include "fixture.hpp"
#include "myra/transport/async.hpp"

namespace myra::conformance {
namespace {

class regression_case : public conformance_test {
 protected:
  /// A pool so small that all of it can be taken.
  reactor_options small_pool(std::uint32_t slots) {
    reactor_options made = options();
    made.pool.slot_size_bytes = 4096;
    made.pool.slot_count_initial = made.pool.slot_count_max = slots;
    made.receive_buffer_count = 8;
    return made;
  }
  [[nodiscard]] std::vector<buffer> take_all_buffers() {
    std::vector<buffer> taken;
    for (buffer next = on().acquire(); next; next = on().acquire())
      taken.push_back(std::move(next));
    return taken;
  }
};

TEST_P(regression_case, a_connection_moved_out_of_a_callback_and_dropped_there_is_freed) {
  record& seen = handler();
  seen.when_received = [](connection& peer, message&) { const connection gone = std::move(peer); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  turn_until([&] { return seen.closes == 1; });
  close_reactor();  // asserts that no stream outlives it
}

TEST_P(regression_case, a_connection_moved_out_of_its_last_callback_and_dropped_is_freed) {
  record& seen = handler();
  seen.when_closed = [](connection& peer) { const connection gone = std::move(peer); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  turn_until([&] { return seen.closes == 1; });
  close_reactor();
}

TEST_P(regression_case, close_after_our_end_went_out_does_not_wait_for_the_peer_without_limit) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.half_close(); };
  listener_options options;
  options.connection.linger_timeout = 100ms;
  auto& at = listen(seen, options);
  const auto silent = host().take(at.local());
  turn_until([&] { return seen.opens == 1; });
  turn_for(30ms);
  EXPECT_TRUE(act(seen.last, [](connection& peer) { peer.close(); }));
  turn_until([&] { return seen.closes == 1; }, 2s);
}

TEST_P(regression_case, a_drain_ends_connections_that_answer_the_end_with_half_close) {
  record& seen = handler();
  seen.when_ended = [](connection& peer) { peer.half_close(); };
  listener_options options;
  options.connection.linger_timeout = 100ms;
  auto& at = listen(seen, options);
  const auto silent = host().take(at.local());
  turn_until([&] { return seen.opens == 1; });
  EXPECT_TRUE(on().drain(2s));
  EXPECT_EQ(seen.closes, 1);
}

TEST_P(regression_case, a_drain_of_a_half_closed_connection_does_not_reset_what_it_sent) {
  const auto bytes = pattern(400'000);
  record& seen = handler();
  seen.when_open = [&](connection& peer) {
    EXPECT_EQ(peer.send_copy(as_bytes(bytes)), send_status::accepted);
    peer.half_close();
  };
  auto& at = listen(seen);
  seen.when_ended = [](connection&) {};
  auto slow = host().dial(
      at.local(), {small_window(), wait(30ms), send("late"), wait(100ms), receive_to_end()});
  turn_until([&] { return seen.received == "late"; });
  static_cast<void>(on().drain(patient(4s)));
  const std::string received = finish(*slow).received;
  EXPECT_TRUE(received == bytes) << received.size() << " of " << bytes.size();
}

TEST_P(regression_case, a_listener_closed_from_on_open_closes_once) {
  record& seen = handler();
  auto& at = open_listener();
  seen.when_open = [&](connection&) { at.close(); };
  at.serve(seen);
  const auto one = host().take(at.local());
  turn_until([&] { return seen.opens == 1; });
  turn_for(30ms);
}

TEST_P(regression_case, a_listening_socket_that_somebody_shut_down_is_closed_once) {
  if (simulated()) GTEST_SKIP() << "descriptors of the process are not the simulated machine's";
  record& seen = handler();
  auto& at = listen(seen);
  turn_for(10ms);
  listener_options inherited;
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::listen(socket, 4), 0);
  const int other = ::dup(socket);
  inherited.inherited_descriptor = socket;
  listen(seen, inherited);
  turn_for(10ms);
  ::shutdown(other, SHUT_RDWR);
  turn_for(50ms);
  ::close(other);
  EXPECT_TRUE(log().contain("no more connections are accepted"));
  static_cast<void>(at);
}

TEST_P(regression_case, a_factory_that_throws_anything_costs_one_connection) {
  auto& at = open_listener();
  at.serve([]() -> std::unique_ptr<connection_handler> { throw 42; });
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.in_time);
  EXPECT_TRUE(told.saw_end || told.saw_reset);
  EXPECT_EQ(on().counters().handler_exceptions, 1U);
}

TEST_P(regression_case, half_close_waits_for_the_send_in_flight_when_a_buffer_comes_free) {
  open_reactor(small_pool(64));
  record& seen = handler();
  std::string sent_bytes;
  listener_options options;
  options.connection.send_buffer_bytes = 4096;
  options.connection.send_high_water_bytes = 1024 * 1024;
  options.connection.send_low_water_bytes = 1024 * 1024 - 1;
  auto& at = listen(seen, options);
  const auto slow = host().take(at.local(), 2048);
  turn_until([&] { return seen.opens == 1; });
  // Room in the pool for the last message only once the one in flight has gone.
  std::vector<buffer> held;
  EXPECT_TRUE(act(seen.last, [&](connection& peer) {
    const auto bytes = pattern(100'000);
    EXPECT_EQ(peer.send_copy(as_bytes(bytes)), send_status::accepted);
    sent_bytes = bytes;
  }));
  turn_for(30ms);
  EXPECT_TRUE(act(seen.last, [&](connection& peer) {
    held = take_all_buffers();
    ASSERT_FALSE(held.empty());
    EXPECT_EQ(peer.send_copy(as_bytes(pattern(8000))), send_status::back_pressured);
    EXPECT_GT(peer.queued_bytes(), 0U) << "all of it went at once";
    peer.half_close();
  }));
  held.pop_back();
  turn_for(30ms);
  held.clear();
  std::string received;
  // Through so small buffers a zero-copy send goes at the pace of delayed acknowledgements.
  const bool zero_copy = GetParam().options.zero_copy.mode == zero_copy_mode::always;
  turn_until([&] { return slow->receive(received); }, zero_copy ? 40s : 10s);
  EXPECT_TRUE(received == sent_bytes) << received.size() << " of " << sent_bytes.size();
}

task<void> send_all(connection& peer, std::string_view bytes,
                    std::optional<result<void>>& outcome) {
  outcome = co_await peer.send_copy(as_bytes(bytes));
}

TEST_P(regression_case, half_close_ends_the_wait_for_room_of_a_coroutine) {
  connection_options small;
  small.send_buffer_bytes = 4096;
  small.send_high_water_bytes = 1000;
  small.send_low_water_bytes = 10;
  connection kept;
  auto& at = open_listener({.connection = small});
  at.serve([&](connection peer) -> task<void> {
    kept = std::move(peer);
    co_return;
  });
  {
    const auto deaf = host().take(at.local(), 2048);
    turn_until([&] { return static_cast<bool>(kept); });
    const std::string bytes = pattern(300'000);
    ASSERT_EQ(kept.send_copy(as_bytes(bytes)), send_status::accepted);
    turn_for(10ms);
    std::optional<result<void>> outcome;
    spawn(on(), send_all(kept, "more", outcome));
    turn_for(10ms);
    ASSERT_FALSE(outcome.has_value());
    kept.half_close();
    EXPECT_FALSE(outcome.has_value()) << "resumed from inside half_close";
    turn_until([&] { return outcome.has_value(); }, 2s);
    EXPECT_TRUE(outcome && outcome->error() == transport_errc::closed);
    kept.abort();
    turn_for(20ms);
  }
  kept = connection();
}

task<void> await_late(connection& peer, loop& on, std::string_view bytes, bool& done) {
  auto refused = peer.send_copy(as_bytes(bytes));
  while (!peer.can_send()) co_await reschedule(on);
  done = (co_await refused).has_value();
}

TEST_P(regression_case, a_refusal_that_is_awaited_when_there_is_room_again_is_sent) {
  connection_options small;
  small.send_high_water_bytes = 1000;
  small.send_low_water_bytes = 10;
  connection kept;
  auto& at = open_listener({.connection = small});
  at.serve([&](connection peer) -> task<void> {
    kept = std::move(peer);
    co_return;
  });
  {
    const auto other = host().take(at.local());
    turn_until([&] { return static_cast<bool>(kept); });
    ASSERT_EQ(kept.send_copy(as_bytes(pattern(1000))), send_status::accepted);
    bool done = false;
    spawn(on(), await_late(kept, on().internals(), "more", done));
    turn_until([&] { return done; }, 2s);
    kept = connection();
    turn_for(20ms);
  }
}

TEST_P(regression_case, a_foreign_loop_is_told_of_work_that_is_left) {
  // Two connections of one reactor that keep each other busy.
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  connection back = dial(at.local());
  record& other = handler();
  constexpr int enough = 200;
  other.when_received = [&](connection& peer, message& bytes) {
    if (other.messages == enough) return;
    EXPECT_EQ(peer.send(bytes.detach()), send_status::accepted);
  };
  back.set_handler(other);
  EXPECT_EQ(back.send_copy(as_bytes(std::string_view("ball"))), send_status::accepted);
  ASSERT_TRUE(on().run_once(0s));
  for (int round = 0; other.messages < enough; ++round) {
    pollfd readable{on().descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 1000), 1) << "asleep after " << other.messages << " messages";
    ASSERT_TRUE(on().run_once(0s));
    ASSERT_LT(round, 100 * enough);
  }
  back = connection();
  turn_for(20ms);
}

TEST_P(regression_case, time_spent_outside_the_reactor_is_no_stall) {
  ASSERT_TRUE(on().run_once(0s));
  pass(250ms);
  ASSERT_TRUE(on().run_once(0s));
  EXPECT_EQ(on().counters().stalls, 0U);
}

TEST_P(regression_case, a_stall_in_a_turn_of_its_own_is_counted) {
  ASSERT_EQ(on().post([this]() noexcept { pass(250ms); }), post_status::accepted);
  ASSERT_TRUE(on().run_once(0s));
  ASSERT_TRUE(on().run_once(0s));
  EXPECT_EQ(on().counters().stalls, 1U);
}

TEST_P(regression_case, the_watchdog_does_not_watch_what_is_done_outside_the_reactor) {
  reactor_options watched = options();
  watched.watchdog = true;
  open_reactor(watched);
  ASSERT_TRUE(on().run_once(0s));
  pass(300ms);
  EXPECT_FALSE(log().contain("has blocked the loop"));
}

TEST_P(regression_case, time_spent_outside_the_reactor_is_no_write_timeout) {
  record& seen = handler();
  listener_options options;
  options.connection.write_timeout = 1s;
  options.connection.send_buffer_bytes = 4096;
  auto& at = listen(seen, options);
  const auto slow = host().take(at.local(), 4096);
  turn_until([&] { return seen.opens == 1; });
  std::string received;
  // A large and a small message, so that this is no silent send; queued before the reactor was
  // away.
  ASSERT_EQ(seen.last.post([this](connection& peer) noexcept {
    EXPECT_EQ(peer.send_copy(as_bytes(pattern(100'000))), send_status::accepted);
    peer.half_close();
    pass(1200ms);
  }),
            post_status::accepted);
  turn_until([&] { return slow->receive(received) || seen.closes == 1; });
  EXPECT_EQ(received.size(), 100'000U);
}

/// Releases what it holds when it is called, before a wait, and brings about nothing else.
struct releasing : deferred {
  releasing()
      : deferred([](deferred& self) noexcept { static_cast<releasing&>(self).held.clear(); }) {}
  std::vector<buffer> held;
};

TEST_P(regression_case, a_buffer_released_just_before_the_wait_feeds_who_waits_for_one) {
  open_reactor(small_pool(16));
  releasing release;
  record& starving = handler();
  starving.when_received = [&](connection&, message& bytes) {
    release.held.push_back(bytes.detach());
  };
  auto& at = listen(starving);
  const auto other = host().take(at.local());
  turn_until([&] { return starving.opens == 1; });
  EXPECT_TRUE(act(starving.last, [&](connection&) { release.held = take_all_buffers(); }));
  // What lies in a ring of the kernel's is used up one by one, or piece by piece.
  const std::string hungry(500, 'h');
  for (int received = -1; received != starving.messages;) {
    received = starving.messages;
    ASSERT_TRUE(other->send(hungry));
    turn_for(20ms);
  }
  const int before = starving.messages;
  starving.when_received = nullptr;
  on().internals().defer(release);
  const auto begin = present();
  for (int i = 0; i < 2 && starving.messages == before; ++i)
    ASSERT_TRUE(on().internals().turn(present() + 2s));
  EXPECT_LT(present() - begin, 1s) << "asleep although a buffer was free";
  EXPECT_GT(starving.messages, before);
}

TEST_P(regression_case, a_buffer_that_a_paused_connection_leaves_goes_to_the_next_in_line) {
  open_reactor(small_pool(16));
  std::vector<buffer> held;
  record& paused = handler();
  record& starving = handler();
  paused.when_received =
      starving.when_received = [&](connection&, message& bytes) { held.push_back(bytes.detach()); };
  auto& paused_at = listen(paused);
  auto& starving_at = listen(starving);
  const auto first = host().take(paused_at.local());
  const auto second = host().take(starving_at.local());
  turn_until([&] { return paused.opens == 1 && starving.opens == 1; });
  EXPECT_TRUE(act(paused.last, [&](connection&) { held = take_all_buffers(); }));
  const std::string hungry(500, 'h');
  const auto starve = [&](hand& from, const record& seen) {
    for (int before = -1; before != seen.messages;) {
      before = seen.messages;
      ASSERT_TRUE(from.send(hungry));
      turn_for(20ms);
    }
  };
  starve(*first, paused);
  starve(*second, starving);
  const int before = starving.messages;
  EXPECT_TRUE(act(paused.last, [](connection& peer) { peer.pause_receive(); }));
  starving.when_received = nullptr;
  // One; where messages are pieces of buffers, with its last piece.
  EXPECT_TRUE(act(starving.last, [&](connection&) {
    do held.pop_back();
    while (!held.empty() && on().internals().pool().obtainable_count() == 0);
  }));
  turn_until([&] { return starving.messages > before; }, 2s);
  held.clear();
  EXPECT_TRUE(act(paused.last, [](connection& peer) { peer.abort(); }));
}

TEST_P(regression_case, waiting_for_a_buffer_does_not_spin) {
  open_reactor(small_pool(64));
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  const auto other = host().take(at.local());
  std::string received;
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(other->send("x"));
    const auto want = static_cast<std::size_t>(i) + 1;
    while (received.size() < want) {
      ASSERT_TRUE(on().run_once(2ms));
      static_cast<void>(other->receive(received));
    }
  }
  std::vector<buffer> held;
  seen.when_writable = [&](connection& peer) {
    static_cast<void>(peer.send_copy(as_bytes(std::string_view("more"))));
  };
  EXPECT_TRUE(act(seen.last, [&](connection& peer) {
    held = take_all_buffers();
    EXPECT_EQ(peer.send_copy(as_bytes(std::string_view("more"))), send_status::back_pressured);
  }));
  turn_for(20ms);
  EXPECT_LE(seen.writables, 100);
  held.clear();
  turn_until(
      [&] {
        static_cast<void>(other->receive(received));
        return received.size() == 2004;
      },
      2s);
}

TEST_P(regression_case, a_handler_told_of_a_drain_may_free_other_connections) {
  struct keeping : connection_handler {
    void on_receive(connection&, message&) override {}
    void on_drain(connection& peer) override {
      kept = connection();
      peer.close();
    }
    connection kept;
  } seen;
  auto& at = listen(seen);
  const auto one = host().take(at.local());
  turn_for(20ms);
  record& other = handler();
  other.when_open = [&](connection& peer) { seen.kept = std::move(peer); };
  auto& other_at = listen(other);
  const auto two = host().take(other_at.local());
  turn_until([&] { return other.opens == 1; });  // the next one in the list
  seen.kept.abort();
  turn_until([&] { return other.closes == 1; });
  EXPECT_TRUE(on().drain(3s));
  close_reactor();
}

TEST_P(regression_case, every_send_to_a_dead_peer_times_out) {
  // More of them in one turn than a small submission queue has entries.
  reactor_options small = options();
  small.submission_entries = 8;
  small.completion_entries = 64;
  open_reactor(small);
  record& seen = handler();
  std::vector<connection> all;
  seen.when_open = [&](connection& peer) { all.push_back(std::move(peer)); };
  listener_options how;
  how.connection.send_buffer_bytes = 4096;
  how.connection.write_timeout = 200ms;
  auto& at = listen(seen, how);
  std::vector<std::unique_ptr<hand>> deaf;
  constexpr int count = 24;
  for (int i = 0; i < count; ++i) deaf.push_back(host().take(at.local(), 2048));
  turn_until([&] { return seen.opens == count; });
  const auto bytes = pattern(16'000);
  for (connection& each : all) EXPECT_EQ(each.send_copy(as_bytes(bytes)), send_status::accepted);
  turn_until([&] { return seen.closes == count; }, 3s);
  all.clear();
}

TEST_P(regression_case, a_second_signal_during_the_drain_does_not_kill) {
  record& seen = handler();
  auto& at = listen(seen);
  const auto one = host().take(at.local());
  turn_until([&] { return seen.opens == 1; });
  seen.when_ended = [](connection& peer) {
    ::kill(::getpid(), SIGTERM);
    peer.close();
  };
  ASSERT_EQ(on().post([]() noexcept { ::kill(::getpid(), SIGTERM); }), post_status::accepted);
  EXPECT_EQ(on().run_until_signal({.drain_deadline = 3s}), 0);
}

TEST_P(regression_case, a_reactor_ends_while_a_handler_goes_on_connecting) {
  record& seen = handler();
  connect_attempt again;
  dialled made;
  const endpoint silent = host().silent(near());
  seen.when_closed = [&](connection&) {
    again = connect(on(), std::span(&silent, 1), {.deadline = 4s}, made.note());
  };
  auto& at = listen(seen);
  const auto one = host().take(at.local());
  turn_until([&] { return seen.opens == 1; });
  const auto begin = present();
  destroy_reactor();
  EXPECT_LT(present() - begin, 2s);
  EXPECT_EQ(seen.closes, 1);
}

TEST_P(regression_case, a_reactor_ends_coroutines_that_its_end_brought_about) {
  record& seen = handler();
  bool ended = false;
  seen.when_closed = [&](connection&) {
    spawn(on(), [](loop& runs, bool& told) -> task<void> {
      static_cast<void>(co_await sleep_for(runs, 60s));
      told = true;
    }(on().internals(), ended));
  };
  auto& at = listen(seen);
  const auto one = host().take(at.local());
  turn_until([&] { return seen.opens == 1; });
  destroy_reactor();
  EXPECT_TRUE(ended);
}

TEST_P(regression_case, a_handler_set_on_a_connection_that_is_over_is_told_so) {
  record& listening = handler();
  listening.when_open = [](connection& peer) { peer.abort(); };
  auto& at = listen(listening);
  connection mine = dial(at.local());
  static_cast<void>(mine.send_copy(as_bytes(std::string_view("x"))));
  turn_for(20ms);
  static_cast<void>(mine.send_copy(as_bytes(std::string_view("x"))));
  turn_for(20ms);
  mine.abort();
  turn_until([&] { return mine.state() == connection_state::closed; });
  record& late = handler();
  mine.set_handler(late);
  turn_until([&] { return late.closes == 1; }, 1s);
  mine = connection();
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, regression_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
