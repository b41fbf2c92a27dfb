// Pausing and resuming to receive, in every order.
#include "fixture.hpp"

namespace myra::conformance {
namespace {

class pausing_case : public conformance_test {
 protected:
  void resume(const record& paused) {
    EXPECT_TRUE(act(paused.last, [](connection& peer) { peer.resume_receive(); }));
  }
};

TEST_P(pausing_case, a_pause_delivers_nothing_and_loses_nothing) {
  record& seen = handler();
  bool paused = false;
  seen.when_received = [&](connection& peer, message&) {
    if (!std::exchange(paused, true)) peer.pause_receive();
  };
  auto& at = listen(seen);
  const auto bytes = pattern(2'000'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  turn_until([&] { return paused; });
  const auto before = seen.received.size();
  turn_for(50ms);
  EXPECT_EQ(seen.received.size(), before) << "bytes were delivered during the pause";
  resume(seen);
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received, bytes);
}

TEST_P(pausing_case, a_pause_in_on_open_holds_the_first_byte) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.pause_receive(); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("hello"), half_close(), receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  turn_for(40ms);
  EXPECT_EQ(seen.messages + seen.ends, 0);
  resume(seen);
  finish(*peer);
  EXPECT_EQ(seen.received, "hello");
}

TEST_P(pausing_case, a_pause_presses_back_onto_the_peer) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.pause_receive(); };
  listener_options options;
  options.connection.receive_buffer_bytes = 16 * 1024;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {send(pattern(8'000'000)), half_close(), receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  turn_for(150ms);
  EXPECT_FALSE(peer->done());
  connection_counters counted;
  act(seen.last, [&](connection& paused) { counted = paused.counters(); });
  EXPECT_LT(counted.bytes_received, 1'000'000U) << "a paused connection goes on taking bytes";
  resume(seen);
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received.size(), 8'000'000U);
}

TEST_P(pausing_case, pause_and_resume_around_every_message) {
  record& seen = handler();
  seen.when_received = [](connection& peer, message&) {
    peer.pause_receive();
    peer.resume_receive();
  };
  auto& at = listen(seen);
  const auto bytes = pattern(500'000);
  auto peer =
      host().dial(at.local(), {send_in_pieces(bytes, 3'000), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received, bytes);
}

TEST_P(pausing_case, pause_resume_pause_is_a_pause) {
  record& seen = handler();
  seen.when_received = [&](connection& peer, message&) {
    if (seen.messages > 1) return;
    peer.pause_receive();
    peer.resume_receive();
    peer.pause_receive();
    peer.send_copy(as_bytes("!"));
  };
  auto& at = listen(seen);
  auto peer =
      host().dial(at.local(), {send("a"), receive(1), send("b"), half_close(), receive_to_end()});
  turn_until([&] { return seen.messages == 1; });
  turn_for(80ms);
  EXPECT_EQ(seen.received, "a");
  resume(seen);
  finish(*peer);
  EXPECT_EQ(seen.received, "ab");
}

TEST_P(pausing_case, twice_is_once) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.resume_receive();
    peer.pause_receive();
    peer.pause_receive();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), half_close(), receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  turn_for(20ms);
  EXPECT_EQ(seen.messages, 0);
  resume(seen);
  turn_until([&] { return seen.messages == 1; });
  finish(*peer);
}

TEST_P(pausing_case, the_end_waits_as_well) {
  record& seen = handler();
  seen.when_received = [](connection& peer, message&) { peer.pause_receive(); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), wait(10ms), half_close(), receive_to_end()});
  turn_until([&] { return seen.messages == 1; });
  turn_for(60ms);
  EXPECT_EQ(seen.ends, 0) << "the end was told during the pause";
  resume(seen);
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.ends, 1);
}

TEST_P(pausing_case, a_reset_during_a_pause_is_told_at_the_latest_after_it) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.pause_receive(); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {wait(20ms), reset()});
  finish(*peer);
  turn_for(20ms);
  EXPECT_EQ(seen.messages, 0);
  act(seen.last, [](connection& paused) { paused.resume_receive(); });
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, condition::disconnected);
  EXPECT_EQ(seen.ends, 0);
}

TEST_P(pausing_case, sending_goes_on) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.pause_receive();
    peer.send_copy(as_bytes("still here"));
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive(10), send("ok"), half_close(), receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  turn_for(40ms);
  EXPECT_EQ(seen.messages, 0);
  resume(seen);
  EXPECT_EQ(finish(*peer).received, "still here");
  EXPECT_EQ(seen.received, "ok");
}

TEST_P(pausing_case, a_paused_connection_can_be_closed) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.pause_receive();
    peer.send_copy(as_bytes("bye"));
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, "bye");
  EXPECT_TRUE(told.saw_end);
  turn_until([&] { return seen.closes == 1; });
}

TEST_P(pausing_case, resumed_from_inside_another_handler) {
  record& waits = handler();
  record& frees = handler();
  waits.when_open = [](connection& peer) { peer.pause_receive(); };
  frees.when_received = [&](connection&, message&) {
    EXPECT_EQ(waits.last.post([](connection& peer) noexcept { peer.resume_receive(); }),
              post_status::accepted);
  };
  auto& paused_at = listen(waits);
  auto& freed_at = listen(frees);
  auto first = host().dial(paused_at.local(), {send("held"), half_close(), receive_to_end()});
  turn_until([&] { return waits.opens == 1; });
  auto second = host().dial(freed_at.local(), {send("go"), half_close(), receive_to_end()});
  finish(*second);
  EXPECT_TRUE(finish(*first).saw_end);
  EXPECT_EQ(waits.received, "held");
}

TEST_P(pausing_case, a_pause_of_one_does_not_hold_up_others) {
  record& paused = handler();
  paused.when_open = [](connection& peer) { peer.pause_receive(); };
  record& free = handler();
  echo(free);
  auto& paused_at = listen(paused);
  auto& free_at = listen(free);
  auto stuck =
      host().dial(paused_at.local(), {send(pattern(300'000)), half_close(), receive_to_end()});
  turn_until([&] { return paused.opens == 1; });
  auto quick = host().dial(free_at.local(), {send("ping"), receive(4)});
  EXPECT_EQ(finish(*quick).received, "ping");
  EXPECT_EQ(paused.messages, 0);
  resume(paused);
  finish(*stuck);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, pausing_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
