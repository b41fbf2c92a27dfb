// Deadlines: never met early, and not much late.
#include <algorithm>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class deadline_case : public conformance_test {
 protected:
  /// Turns until the connection is closed; expects that to be `deadline` after `began`, which is to
  /// be of the loop's clock, as a connection's times are.
  void expect_close_after(const record& seen, const time_point& began, duration deadline,
                          transport_errc why) {
    turn_until([&] { return seen.closes == 1; });
    const auto took = present() - began;
    EXPECT_GE(took, deadline) << "early";
    EXPECT_LT(took, deadline + slack()) << "late";
    EXPECT_EQ(seen.why, why);
  }
  /// Sends what takes a slow reader longer than the idle time, and does `then`.
  void expect_slow_reader_gets_all(listener_options how, void (*then)(connection&),
                                   transport_errc why) {
    record& seen = handler();
    const auto bytes = pattern(300'000);
    seen.when_open = [&](connection& peer) {
      EXPECT_EQ(peer.send_copy(as_bytes(bytes)), send_status::accepted);
      then(peer);
    };
    how.connection.idle_timeout = 100ms;
    auto& at = listen(seen, how);
    auto peer = host().dial(at.local(), {small_window(), receive_slowly(10'000, 12ms)});
    const auto told = finish(*peer);
    EXPECT_TRUE(told.received == bytes) << told.received.size();
    EXPECT_TRUE(told.saw_end);
    turn_until([&] { return seen.closes == 1; });
    EXPECT_EQ(seen.why, why);
  }
};

TEST_P(deadline_case, idle) {
  record& seen = handler();
  time_point began;
  seen.when_open = [&](connection&) { began = on().now(); };
  listener_options options;
  options.connection.idle_timeout = 60ms;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  expect_close_after(seen, began, 60ms, transport_errc::idle_timeout);
  EXPECT_EQ(seen.why, condition::timed_out);
  finish(*peer);
}

TEST_P(deadline_case, first_byte) {
  record& seen = handler();
  time_point began;
  seen.when_open = [&](connection&) { began = on().now(); };
  listener_options options;
  options.connection.first_byte_timeout = 60ms;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  expect_close_after(seen, began, 60ms, transport_errc::first_byte_timeout);
  EXPECT_EQ(seen.why, condition::timed_out);
  finish(*peer);
}

TEST_P(deadline_case, first_byte_is_met_by_one_that_comes_or_goes) {
  record& seen = handler();
  listener_options options;
  options.connection.first_byte_timeout = 60ms;
  auto& at = listen(seen, options);
  auto sends = host().dial(at.local(), {send("x"), wait(200ms), close()});
  turn_until([&] { return seen.messages == 1; });
  finish(*sends);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::closed);
  auto is_sent_to = host().dial(at.local(), {receive(1), wait(200ms), close()});
  turn_until([&] { return seen.opens == 2; });
  EXPECT_TRUE(act(seen.last, [](connection& to) { to.send_copy(as_bytes("x")); }));
  finish(*is_sent_to);
  turn_until([&] { return seen.closes == 2; });
  EXPECT_EQ(seen.why, transport_errc::closed);
}

TEST_P(deadline_case, what_trickles_in_does_not_put_off_what_is_expected) {
  record& seen = handler();
  time_point began;
  seen.when_received = [&](connection& peer, message&) {
    if (seen.messages == 1) began = on().now();
    peer.expect_within(150ms);
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send_in_pieces(std::string(500, 'x'), 1, 20ms)});
  turn_until([&] { return seen.messages > 0; });
  expect_close_after(seen, began, 150ms, transport_errc::message_timeout);
  EXPECT_EQ(seen.why, condition::timed_out);
  EXPECT_GT(seen.messages, 1);
  EXPECT_LT(seen.received.size(), 500U);
  finish(*peer);
}

TEST_P(deadline_case, what_has_come_is_expected_no_more) {
  record& seen = handler();
  seen.when_received = [&](connection& peer, message&) {
    if (seen.received.size() < 4) return peer.expect_within(5s);
    peer.expect_nothing();
    peer.expect_nothing();
  };
  listener_options options;
  options.connection.idle_timeout = 1s;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {send_in_pieces("abcd", 1, 5ms), receive_to_end()});
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::idle_timeout);
  EXPECT_EQ(seen.received, "abcd");
  finish(*peer);
}

TEST_P(deadline_case, a_close_is_not_cut_short_by_what_was_expected) {
  record& seen = handler();
  seen.when_received = [](connection& peer, message&) {
    peer.expect_within(30ms);
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), wait(150ms), receive_to_end()});
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::closed);
  EXPECT_TRUE(finish(*peer).saw_end);
}

TEST_P(deadline_case, a_close_is_not_cut_short_by_what_is_expected_afterwards) {
  record& seen = handler();
  const auto bytes = pattern(900'000);
  seen.when_received = [&](connection& peer, message&) {
    EXPECT_EQ(peer.send_copy(as_bytes(bytes)), send_status::accepted);
    peer.close();
    peer.expect_within(30ms);
  };
  listener_options options;
  options.connection.send_buffer_bytes = 4096;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), send("x"), wait(150ms), receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.received == bytes) << told.received.size();
  EXPECT_TRUE(told.saw_end);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::closed);
}

TEST_P(deadline_case, what_comes_puts_the_idle_time_off) {
  record& seen = handler();
  listener_options options;
  options.connection.idle_timeout = 600ms;
  auto& at = listen(seen, options);
  const auto began = present();
  auto peer = host().dial(at.local(), {send_in_pieces("abcdefgh", 1, 100ms), receive_to_end()});
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.received, "abcdefgh");
  EXPECT_GE(present() - began, 7 * 100ms + 600ms - 5ms);
  finish(*peer);
}

TEST_P(deadline_case, what_goes_puts_the_idle_time_off) {
  record& seen = handler();
  listener_options options;
  options.connection.idle_timeout = 600ms;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  for (int i = 0; i < 8; ++i) {
    turn_for(100ms);
    EXPECT_TRUE(act(seen.last, [](connection& to) { to.send_copy(as_bytes("tick")); }));
  }
  EXPECT_EQ(seen.closes, 0);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(finish(*peer).received.size(), 32U);
}

TEST_P(deadline_case, a_send_under_way_is_no_idle_time) {
  // One send that takes longer than the idle time; and one that the kernel takes at once, whose
  // bytes it holds for that long where it was not to copy them.
  for (const int send_buffer_bytes : {4096, 0}) {
    listener_options options;
    options.connection.send_buffer_bytes = send_buffer_bytes;
    expect_slow_reader_gets_all(
        options, [](connection& peer) { peer.close(); }, transport_errc::closed);
  }
}

TEST_P(deadline_case, what_a_peer_has_not_acknowledged_is_no_idle_time) {
  listener_options options;
  options.connection.zero_copy = zero_copy_mode::always;
  expect_slow_reader_gets_all(options, [](connection&) {}, transport_errc::idle_timeout);
}

TEST_P(deadline_case, a_pause_is_no_idle_time) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.pause_receive(); };
  listener_options options;
  options.connection.idle_timeout = 60ms;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  turn_for(200ms);
  EXPECT_EQ(seen.closes, 0);
  time_point began;
  EXPECT_TRUE(act(seen.last, [&](connection& paused) {
    began = on().now();
    paused.resume_receive();
  }));
  expect_close_after(seen, began, 60ms, transport_errc::idle_timeout);
  finish(*peer);
}

TEST_P(deadline_case, a_pause_does_not_excuse_a_peer_that_does_not_read) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.pause_receive();
    EXPECT_EQ(peer.send_copy(as_bytes(pattern(900'000))), send_status::accepted);
  };
  listener_options options;
  options.connection.idle_timeout = 60ms;
  options.connection.write_timeout = duration::zero();
  options.connection.send_buffer_bytes = 4096;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), stay()});
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::idle_timeout);
  finish(*peer);
}

TEST_P(deadline_case, a_moment_is_no_idle_time) {
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {wait(150ms), close()});
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.ends, 1);
}

TEST_P(deadline_case, write) {
  record& seen = handler();
  listener_options options;
  options.connection.write_timeout = 80ms;
  options.connection.send_buffer_bytes = 4096;
  time_point began;
  seen.when_open = [&](connection& peer) {
    began = on().now();
    peer.send_copy(as_bytes(pattern(900'000)));
  };
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), wait(400ms), receive_to_end()});
  expect_close_after(seen, began, 80ms, transport_errc::write_timeout);
  EXPECT_EQ(seen.why, condition::timed_out);
  const auto told = finish(*peer);
  EXPECT_LT(told.received.size(), 900'000U);
  if (GetParam().sockets <= family::ipv6) {  // Unix sockets have no reset of their own
    EXPECT_TRUE(told.saw_reset);
    EXPECT_FALSE(told.saw_end) << "a part looks like all there was";
  }
}

TEST_P(deadline_case, a_peer_that_reads_is_given_all_the_time_it_needs) {
  record& seen = handler();
  listener_options options;
  options.connection.write_timeout = 400ms;
  options.connection.send_buffer_bytes = 4096;
  std::size_t taken = 0;
  const auto fill = [&](connection& peer) {
    while (taken < 600'000 &&
           peer.send_copy(as_bytes(std::string(2'000, 'x'))) == send_status::accepted)
      taken += 2'000;
    if (taken >= 600'000) peer.close();
  };
  options.connection.send_high_water_bytes = 20'000;
  options.connection.send_low_water_bytes = 10'000;
  seen.when_open = seen.when_writable = fill;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), receive_slowly(10'000, 12ms)});
  EXPECT_EQ(finish(*peer).received.size(), 600'000U);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::closed);
}

TEST_P(deadline_case, a_write_timeout_while_the_queue_is_drained_after_close) {
  record& seen = handler();
  listener_options options;
  options.connection.write_timeout = 60ms;
  options.connection.send_buffer_bytes = 4096;
  seen.when_open = [](connection& peer) {
    peer.send_copy(as_bytes(pattern(900'000)));
    peer.close();
  };
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), wait(patient(300ms)), reset()});
  turn_until([&] { return seen.closes == 1; });
  EXPECT_FALSE(peer->done()) << "the connection waited for its peer without end";
  finish(*peer);
}

TEST_P(deadline_case, linger) {
  record& seen = handler();
  listener_options options;
  options.connection.linger_timeout = 70ms;
  time_point began;
  seen.when_open = [&](connection& peer) {
    began = on().now();
    peer.close();
  };
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {receive_to_end(), wait(300ms)});
  expect_close_after(seen, began, 70ms, transport_errc::closed);
  EXPECT_FALSE(peer->done());
  EXPECT_TRUE(finish(*peer).saw_end);
}

TEST_P(deadline_case, a_peer_that_closes_ends_the_linger) {
  record& seen = handler();
  listener_options options;
  options.connection.linger_timeout = 1h;
  seen.when_open = [](connection& peer) { peer.close(); };
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {receive_to_end(), close()});
  turn_until([&] { return seen.closes == 1; });
  finish(*peer);
}

TEST_P(deadline_case, a_peer_that_keeps_sending_cannot_prolong_the_linger) {
  record& seen = handler();
  listener_options options;
  options.connection.linger_timeout = 60ms;
  time_point began;
  seen.when_open = [&](connection& peer) {
    began = on().now();
    peer.close();
  };
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {send_in_pieces(std::string(600, 'x'), 1, 10ms)});
  expect_close_after(seen, began, 60ms, transport_errc::closed);
  EXPECT_EQ(seen.messages, 0);
  EXPECT_TRUE(finish(*peer).saw_reset) << "it was through";
}

TEST_P(deadline_case, of_one_turn) {
  duration longest{};
  for (int i = 0; i < 3; ++i) {  // a wake for nothing may end one early
    const auto began = present();
    ASSERT_TRUE(on().run_once(50ms));
    longest = std::max(longest, present() - began);
  }
  EXPECT_GE(longest, 49ms);
  EXPECT_LT(longest, 50ms + slack());
}

TEST_P(deadline_case, a_turn_of_no_time_does_not_wait) {
  const auto began = present();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(on().run_once(0ms));
  EXPECT_LT(present() - began, slack());
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, deadline_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
