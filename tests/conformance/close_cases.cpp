// The end of a connection: from every callback, with everything in flight, and of the whole
// reactor.
#include <cerrno>
#include <utility>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class closing_case : public conformance_test {
 protected:
  /// A peer that does enough for each of our callbacks to be called.
  static script lively() { return {send("x"), wait(10ms), half_close(), receive_to_end()}; }

  /// Has `end` happen in the callback `where`, and checks that on_close is the last call and comes
  /// once.
  void end_in(std::function<void(connection&)> record::* where,
              std::function<void(connection&)> end) {
    record& seen = handler();
    int calls_after_close = 0;
    if (where == &record::when_writable)
      seen.when_open = [](connection& peer) {
        while (peer.send_copy(as_bytes(pattern(50'000))) == send_status::accepted) continue;
      };
    seen.*where = [&](connection& peer) {
      if (seen.closes != 0) ++calls_after_close;
      end(peer);
    };
    auto& at = listen(seen);
    auto peer = host().dial(at.local(), lively());
    finish(*peer);
    turn_until([&] { return seen.closes == 1; });
    turn_for(5ms);
    EXPECT_EQ(seen.closes, 1);
    EXPECT_EQ(calls_after_close, 0);
    EXPECT_EQ(seen.why, transport_errc::closed);
  }
  static void close_it(connection& peer) { peer.close(); }
  static void abort_it(connection& peer) { peer.abort(); }
};

TEST_P(closing_case, from_on_open) { end_in(&record::when_open, close_it); }
TEST_P(closing_case, from_on_end) { end_in(&record::when_ended, close_it); }
TEST_P(closing_case, from_on_writable) { end_in(&record::when_writable, close_it); }
TEST_P(closing_case, abort_from_on_open) { end_in(&record::when_open, abort_it); }
TEST_P(closing_case, abort_from_on_end) { end_in(&record::when_ended, abort_it); }
TEST_P(closing_case, abort_from_on_writable) { end_in(&record::when_writable, abort_it); }

TEST_P(closing_case, each_end_in_words_names_the_peer_and_what_failed) {
  endpoint at;
  auto other = host().answer(near(), {receive_to_end()}, at);
  connect_options options;
  options.connection.idle_timeout = 5min;
  options.connection.first_byte_timeout = 90s;
  options.connection.write_timeout = 2500ms;
  connection peer = dial(at, options);
  const std::pair<std::error_code, const char*> rows[] = {
      {make_error_code(transport_errc::idle_timeout), "idle_timeout is 300 s"},
      {make_error_code(transport_errc::first_byte_timeout), "first_byte_timeout is 90 s"},
      {make_error_code(transport_errc::write_timeout), "write_timeout is 2500 ms"},
      {make_error_code(transport_errc::message_timeout), "expect_within"},
      {make_error_code(transport_errc::buffers_wanted), "shortage_patience is 1 s"},
      {make_error_code(transport_errc::receive_timeout), "receive"},
      {make_error_code(transport_errc::end_of_stream), "receive"},
      {make_error_code(transport_errc::closed), "close"},
      {make_error_code(transport_errc::drain_timeout), "drain"},
      {make_error_code(transport_errc::handler_threw), "handler"},
      {kernel_error(-ECONNRESET), "receive"}};
  for (const auto& [why, what] : rows) {
    EXPECT_EQ(describe(peer.report(why)),
              "connection with " + at.to_string() + ": " + what + ": " + why.message());
  }
  peer.close();
  finish(*other);
}

TEST_P(closing_case, an_end_in_words_names_the_call_that_failed) {
  record& seen = handler();
  endpoint with;
  std::string words;
  seen.when_open = [&](connection& peer) {
    with = peer.peer();
    EXPECT_EQ(peer.send_copy(as_bytes("x")), send_status::accepted);  // then it resets
  };
  seen.when_closed = [&](connection& peer) { words = describe(peer.report(seen.why, with)); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive(1), reset()});
  turn_until([&] { return seen.closes == 1; });
  finish(*peer);
  if (with.family() == AF_UNIX) {
    EXPECT_TRUE(words.starts_with("connection with ")) << words;  // a reset may look like an end
    return;
  }
  EXPECT_EQ(words, "connection with " + with.to_string() + ": receive: " + seen.why.message());
}

TEST_P(closing_case, from_on_receive_nothing_more_is_delivered) {
  for (const bool hard : {false, true}) {
    record& seen = handler();
    seen.when_received = [&](connection& peer, message&) { hard ? peer.abort() : peer.close(); };
    auto& at = listen(seen);
    auto peer = host().dial(at.local(), {send(pattern(500'000)), half_close(), receive_to_end()});
    const auto told = finish(*peer);
    turn_until([&] { return seen.closes == 1; });
    EXPECT_EQ(seen.messages, 1);
    EXPECT_EQ(seen.ends, 0);
    EXPECT_EQ(told.saw_reset, hard) << "close must not reset a peer that still sends, abort must";
  }
}

TEST_P(closing_case, everything_may_be_said_in_on_close) {
  record& seen = handler();
  seen.when_closed = [](connection& peer) {
    EXPECT_EQ(peer.state(), connection_state::closed);
    EXPECT_EQ(peer.send_copy(as_bytes("x")), send_status::closed);
    peer.close();
    peer.abort();
    peer.half_close();
    peer.pause_receive();
    peer.resume_receive();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), lively());
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  turn_for(5ms);
  EXPECT_EQ(seen.closes, 1);
}

TEST_P(closing_case, a_peer_that_still_sends_gets_the_whole_reply_and_no_reset) {
  record& seen = handler();
  const auto reply = pattern(200'000);
  seen.when_received = [&](connection& peer, message&) {
    peer.send_copy(as_bytes(reply));
    peer.close();
  };
  auto& at = listen(seen);
  auto peer =
      host().dial(at.local(), {send_in_pieces(pattern(100'000), 5'000, 1ms), receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.received == reply);
  EXPECT_TRUE(told.saw_end);
  EXPECT_FALSE(told.saw_reset);
}

TEST_P(closing_case, with_everything_in_flight_the_peer_gets_it_all_and_the_end) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("in"), receive_to_end()});
  turn_until([&] { return seen.messages == 1; });
  const auto bytes = pattern(2'000'000);
  EXPECT_TRUE(act(seen.last, [&](connection& to) {
    to.send_copy(as_bytes(bytes));
    to.pause_receive();
    to.resume_receive();
    to.close();
  }));
  const auto told = finish(*peer);
  EXPECT_EQ(told.received.size(), bytes.size() + 2);
  EXPECT_TRUE(told.saw_end);
}

TEST_P(closing_case, abort_with_everything_in_flight_is_a_reset_at_once) {
  record& seen = handler();
  listener_options options;
  options.connection.send_buffer_bytes = 8192;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), wait(60ms), receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  EXPECT_TRUE(act(seen.last, [](connection& to) { to.send_copy(as_bytes(pattern(900'000))); }));
  turn_for(10ms);
  EXPECT_TRUE(act(seen.last, [](connection& to) { to.abort(); }));
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::closed);
  const auto told = finish(*peer);
  EXPECT_TRUE(told.saw_reset);
  EXPECT_LT(told.received.size(), 900'000U);
}

TEST_P(closing_case, close_and_then_abort) {
  record& seen = handler();
  listener_options options;
  options.connection.send_buffer_bytes = 8192;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), receive_slowly(4000, 20ms)});
  turn_until([&] { return seen.opens == 1; });
  act(seen.last, [](connection& to) {
    to.send_copy(as_bytes(pattern(900'000)));
    to.close();
    to.close();
  });
  turn_for(10ms);
  EXPECT_TRUE(act(seen.last, [](connection& to) { to.abort(); }))
      << "a draining connection still exists";
  turn_until([&] { return seen.closes == 1; });
  EXPECT_TRUE(finish(*peer).saw_reset);
}

TEST_P(closing_case, an_owner_that_is_destroyed_closes) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  {
    connection owner = dial(at);
    owner.send_copy(as_bytes("last words"));
  }
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, "last words");
  EXPECT_TRUE(told.saw_end);
}

TEST_P(closing_case, one_connection_closes_another_that_has_bytes_waiting) {
  record& victim = handler();
  record& killer = handler();
  killer.when_received = [&](connection&, message&) {
    EXPECT_EQ(victim.last.post([](connection& peer) noexcept { peer.abort(); }),
              post_status::accepted);
  };
  auto& victim_at = listen(victim);
  auto& killer_at = listen(killer);
  auto first =
      host().dial(victim_at.local(), {wait(20ms), send(pattern(300'000)), receive_to_end()});
  turn_until([&] { return victim.opens == 1; });
  auto second =
      host().dial(killer_at.local(), {wait(20ms), send("now"), half_close(), receive_to_end()});
  finish(*second);
  turn_until([&] { return victim.closes == 1; });
  EXPECT_TRUE(finish(*first).saw_reset);
}

TEST_P(closing_case, a_hundred_in_one_turn) {
  record& seen = handler();
  std::vector<connection_handle> open;
  seen.when_open = [&](connection& peer) { open.push_back(peer.handle()); };
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 100, {receive_to_end()});
  turn_until([&] { return open.size() == 100; });
  for (const auto& each : open)
    EXPECT_EQ(each.post([](connection& peer) noexcept { peer.close(); }), post_status::accepted);
  EXPECT_EQ(finish(*crowd).ends, 100U);
  turn_until([&] { return seen.closes == 100; });
}

TEST_P(closing_case, a_reactor_destroyed_with_everything_in_flight) {
  record& seen = handler();
  int opened = 0;
  seen.when_open = [&](connection& peer) {
    switch (opened++ % 5) {
      case 0: break;
      case 1: peer.send_copy(as_bytes(pattern(800'000))); break;
      case 2: peer.pause_receive(); break;
      case 3: peer.half_close(); break;
      default: peer.close(); break;
    }
  };
  listener_options options;
  options.connection.send_buffer_bytes = 4096;
  auto& at = listen(seen, options);
  auto crowd =
      host().dial_many(at.local(), 25, {small_window(), send("x"), wait(20ms), receive_to_end()});
  turn_until([&] { return opened == 25; });
  destroy_reactor();
  EXPECT_EQ(seen.closes, seen.opens) << "a connection ended without its last call";
  const auto told = crowd->finish();
  EXPECT_TRUE(told.in_time);
  EXPECT_EQ(told.ends + told.resets, 25U) << "a peer was left waiting";
}

// Up to Linux 6.12 a ring keeps what is closed in its table while older operations on it last.
TEST_P(closing_case, an_end_is_told_while_an_older_receive_of_another_lasts) {
  record& idle = handler();
  auto waiting = host().dial(listen(idle).local(), {receive_to_end()});
  turn_until([&] { return idle.opens == 1; });
  const auto told_of = [&](script says, const std::function<void(connection&)>& end) {
    record& seen = handler();
    auto peer = host().dial(listen(seen).local(), std::move(says));
    turn_until([&] { return seen.messages == 1; });
    act(seen.last, end);
    return finish(*peer);
  };
  EXPECT_TRUE(told_of({send("x"), receive_to_end()}, close_it).saw_end);
  EXPECT_TRUE(told_of({send("x"), half_close(), receive_to_end()}, close_it).saw_end);
  EXPECT_TRUE(told_of({send("x"), receive_to_end()}, abort_it).in_time);
  EXPECT_EQ(idle.closes, 0);
  act(idle.last, abort_it);
  EXPECT_TRUE(finish(*waiting).in_time);
}

TEST_P(closing_case, a_kept_connection_is_the_keepers) {
  record& seen = handler();
  connection kept;
  seen.when_open = [&](connection& peer) { kept = std::move(peer); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept.send_copy(as_bytes("kept")), send_status::accepted);
  turn_for(5ms);
  kept = {};
  EXPECT_EQ(finish(*peer).received, "kept");
  turn_until([&] { return seen.closes == 1; });
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, closing_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
