// Half-close, in both directions and orders, and the states that it leads through.
#include "fixture.hpp"

namespace myra::conformance {
namespace {

class half_closing_case : public conformance_test {};

TEST_P(half_closing_case, ours_first_and_the_peer_goes_on) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.send_copy(as_bytes("question"));
    peer.half_close();
  };
  auto& at = listen(seen);
  const auto answer = pattern(300'000);
  auto peer = host().dial(at.local(), {receive_to_end(), send(answer), half_close(), wait(20ms)});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, "question");
  EXPECT_TRUE(told.saw_end);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.received, answer);
  EXPECT_EQ(seen.ends, 1);
}

TEST_P(half_closing_case, the_peers_first_and_we_go_on) {
  record& seen = handler();
  const auto answer = pattern(400'000);
  seen.when_ended = [&](connection& peer) {
    EXPECT_EQ(peer.state(), connection_state::receiving_closed);
    EXPECT_EQ(peer.send_copy(as_bytes(answer)), send_status::accepted);
    peer.half_close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("question"), half_close(), receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.received == answer);
  EXPECT_TRUE(told.saw_end);
  turn_until([&] { return seen.closes == 1; });
}

TEST_P(half_closing_case, long_after_the_peers_end_we_can_still_send) {
  record& seen = handler();
  seen.when_ended = [](connection&) {};
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {half_close(), receive_to_end()});
  turn_until([&] { return seen.ends == 1; });
  turn_for(60ms);
  EXPECT_EQ(seen.closes, 0);
  EXPECT_TRUE(act(seen.last, [](connection& to) {
    EXPECT_EQ(to.send_copy(as_bytes("late answer")), send_status::accepted);
    to.close();
  }));
  EXPECT_EQ(finish(*peer).received, "late answer");
}

TEST_P(half_closing_case, both_at_once) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.half_close(); };
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 20, {half_close(), receive_to_end()});
  EXPECT_EQ(finish(*crowd).ends, 20U);
  turn_until([&] { return seen.closes == 20; });
  EXPECT_EQ(seen.ends, 20);
}

TEST_P(half_closing_case, twice_is_once) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.send_copy(as_bytes("x"));
    peer.half_close();
    peer.half_close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end(), send("y"), half_close(), wait(10ms)});
  EXPECT_TRUE(finish(*peer).saw_end);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.received, "y");
}

TEST_P(half_closing_case, the_states_on_the_way) {
  record& seen = handler();
  std::vector<connection_state> states;
  const auto note = [&](connection& peer) { states.push_back(peer.state()); };
  seen.when_open = note;
  seen.when_received = [&](connection& peer, message&) {
    note(peer);
    if (seen.messages == 1) peer.half_close();
  };
  seen.when_closed = note;
  auto& at = listen(seen);
  auto peer =
      host().dial(at.local(), {send("a"), receive_to_end(), send("b"), half_close(), wait(10ms)});
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  using state = connection_state;
  EXPECT_EQ(states, (std::vector{state::open, state::open, state::sending_closed, state::closed}));
}

TEST_P(half_closing_case, queued_bytes_go_before_the_end) {
  record& seen = handler();
  const auto bytes = pattern(900'000);
  seen.when_open = [&](connection& peer) {
    peer.send_copy(as_bytes(bytes));
    peer.half_close();
  };
  listener_options options;
  options.connection.send_buffer_bytes = 8192;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(),
                          {small_window(), wait(20ms), receive_to_end(), half_close(), wait(10ms)});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.received == bytes);
  EXPECT_TRUE(told.saw_end);
  turn_until([&] { return seen.closes == 1; });
}

TEST_P(half_closing_case, from_on_receive_while_bytes_still_come) {
  record& seen = handler();
  seen.when_received = [](connection& peer, message&) { peer.half_close(); };
  auto& at = listen(seen);
  const auto bytes = pattern(1'000'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_TRUE(seen.received == bytes);
}

TEST_P(half_closing_case, from_on_writable) {
  record& seen = handler();
  std::size_t taken = 0;
  seen.when_open = [&](connection& peer) {
    const std::string piece(10'000, 'w');
    while (peer.send_copy(as_bytes(piece)) == send_status::accepted) taken += piece.size();
  };
  seen.when_writable = [](connection& peer) { peer.half_close(); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end(), half_close(), wait(10ms)});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received.size(), taken);
  EXPECT_TRUE(told.saw_end);
}

TEST_P(half_closing_case, then_close) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.send_copy(as_bytes("all"));
    peer.half_close();
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, "all");
  EXPECT_TRUE(told.saw_end);
  turn_until([&] { return seen.closes == 1; });
}

TEST_P(half_closing_case, then_a_reset_of_the_peer) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.half_close(); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end(), reset()});
  EXPECT_TRUE(finish(*peer).saw_end);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.ends, 0);
  EXPECT_EQ(seen.why, condition::disconnected);
}

TEST_P(half_closing_case, then_an_abort_is_a_reset) {
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end(), wait(80ms), send("x"), wait(20ms),
                                       send("y"), receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  EXPECT_TRUE(act(seen.last, [](connection& to) { to.half_close(); }));
  turn_for(20ms);
  EXPECT_TRUE(act(seen.last, [](connection& to) { to.abort(); }));
  const auto told = finish(*peer);
  EXPECT_TRUE(told.saw_end);
  EXPECT_TRUE(told.saw_reset);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, half_closing_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
