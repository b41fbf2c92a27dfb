// Back-pressure when sending: the water marks, refusals, and the call that follows them.
#include "fixture.hpp"

namespace myra::conformance {
namespace {

class back_pressure_case : public conformance_test {
 protected:
  /// Small queues over small socket buffers.
  static listener_options narrow() {
    listener_options made;
    made.connection.send_buffer_bytes = 4096;
    made.connection.send_high_water_bytes = 64 * 1024;
    made.connection.send_low_water_bytes = 16 * 1024;
    return made;
  }
  /// Sends until refused; how many bytes were taken.
  static std::size_t fill(connection& peer) {
    const std::string piece(1'000, 'f');
    std::size_t taken = 0;
    while (peer.send_copy(as_bytes(piece)) == send_status::accepted) taken += piece.size();
    return taken;
  }
};

TEST_P(back_pressure_case, at_the_high_water_mark_send_refuses) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    fill(peer);
    EXPECT_GE(peer.queued_bytes(), 64U * 1024);
    EXPECT_LT(peer.queued_bytes(), 64U * 1024 + 1'000);
    EXPECT_FALSE(peer.can_send());
  };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {small_window(), wait(20ms), receive(64 * 1024)});
  finish(*peer);
  EXPECT_EQ(seen.opens, 1);
}

TEST_P(back_pressure_case, a_refusal_takes_nothing) {
  record& seen = handler();
  std::size_t taken = 0;
  seen.when_open = [&](connection& peer) {
    taken = fill(peer);
    const auto queued = peer.queued_bytes();
    buffer mine = peer.acquire();
    mine.resize(4);
    std::memcpy(mine.writable().data(), "mine", 4);
    EXPECT_EQ(peer.send(std::move(mine)), send_status::back_pressured);
    ASSERT_TRUE(mine);  // NOLINT(bugprone-use-after-move): a refused buffer stays the caller's
    EXPECT_EQ(as_text(mine.bytes()), "mine");
    EXPECT_EQ(peer.send_copy(as_bytes("yours")), send_status::back_pressured);
    EXPECT_EQ(peer.queued_bytes(), queued);
  };
  seen.when_writable = [](connection& peer) { peer.close(); };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, std::string(taken, 'f'));
}

TEST_P(back_pressure_case, on_writable_comes_once_for_any_number_of_refusals) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    fill(peer);
    for (int i = 0; i < 5; ++i)
      EXPECT_EQ(peer.send_copy(as_bytes("no")), send_status::back_pressured);
  };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.writables != 0; });
  turn_for(20ms);  // for another one
  act(seen.last, [](connection& to) { to.close(); });
  finish(*peer);
  EXPECT_EQ(seen.writables, 1);
}

TEST_P(back_pressure_case, on_writable_comes_for_every_refusal_that_follows_one) {
  record& seen = handler();
  std::size_t taken = 0;
  seen.when_open = [&](connection& peer) { taken += fill(peer); };
  seen.when_writable = [&](connection& peer) {
    if (seen.writables < 5)
      taken += fill(peer);
    else
      peer.close();
  };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received.size(), taken);
  EXPECT_EQ(seen.writables, 5);
}

TEST_P(back_pressure_case, without_a_refusal_there_is_no_on_writable) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.send_copy(as_bytes(pattern(60'000))); };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {receive(60'000), wait(30ms)});
  finish(*peer);
  turn_until([&] { return seen.ends == 1; });
  EXPECT_EQ(seen.writables, 0);
}

TEST_P(back_pressure_case, on_writable_waits_for_the_low_water_mark) {
  record& seen = handler();
  std::uint32_t queued = UINT32_MAX;
  seen.when_open = [](connection& peer) { fill(peer); };
  seen.when_writable = [&](connection& peer) {
    queued = peer.queued_bytes();
    peer.close();
  };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {small_window(), receive_slowly(4'000, 1ms)});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_LE(queued, 16U * 1024);
}

TEST_P(back_pressure_case, a_peer_that_reads_nothing_bounds_what_is_queued) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { fill(peer); };
  seen.when_writable = [](connection& peer) { fill(peer); };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {small_window(), wait(200ms), reset()});
  turn_until([&] { return seen.opens == 1; });
  turn_for(100ms);
  const buffer_pool& pool = on().internals().pool();
  EXPECT_LE(pool.kernel_count() + pool.application_count(),
            on().internals().options().receive_buffer_count + 16)
      << "more slots than the water marks allow";
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
}

TEST_P(back_pressure_case, a_refused_buffer_may_be_sent_from_on_writable) {
  record& seen = handler();
  buffer kept;
  std::size_t taken = 0;
  seen.when_open = [&](connection& peer) {
    taken = fill(peer);
    kept = peer.acquire();
    kept.resize(4);
    std::memcpy(kept.writable().data(), "last", 4);
    EXPECT_EQ(peer.send(std::move(kept)), send_status::back_pressured);
  };
  seen.when_writable = [&](connection& peer) {
    EXPECT_EQ(peer.send(std::move(kept)), send_status::accepted);
    peer.close();
  };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, std::string(taken, 'f') + "last");
}

TEST_P(back_pressure_case, a_refusal_while_a_small_send_is_under_way_is_answered) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.send_copy(as_bytes("first")); };
  seen.when_received = [](connection& peer, message&) { fill(peer); };
  seen.when_writable = [](connection& peer) { peer.close(); };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {receive(5), send("go"), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.writables, 1);
}

TEST_P(back_pressure_case, one_send_may_exceed_the_mark_and_is_whole) {
  record& seen = handler();
  const auto bytes = pattern(700'000);
  seen.when_open = [&](connection& peer) {
    EXPECT_EQ(peer.send_copy(as_bytes(bytes)), send_status::accepted);
    EXPECT_EQ(peer.send_copy(as_bytes("x")), send_status::back_pressured);
    peer.close();
  };
  auto& at = listen(seen, narrow());
  auto peer = host().dial(at.local(), {receive_to_end()});
  EXPECT_TRUE(finish(*peer).received == bytes);
}

TEST_P(back_pressure_case, from_end_to_end) {
  // What is read from one is written to the other; the slow reader's pace is the fast writer's.
  record& source = handler();
  record& target = handler();
  buffer held;
  target.when_open = [](connection& peer) { peer.pause_receive(); };
  const auto forward = [&](connection& to) {
    if (to.send(std::move(held)) != send_status::accepted) return;
    EXPECT_EQ(source.last.post([](connection& from) noexcept { from.resume_receive(); }),
              post_status::accepted);
  };
  source.when_received = [&](connection& from, message& bytes) {
    from.pause_receive();
    held = bytes.detach();
    EXPECT_EQ(target.last.post([&](connection& to) noexcept { forward(to); }),
              post_status::accepted);
  };
  target.when_writable = forward;
  source.when_ended = [&](connection& from) {
    EXPECT_EQ(target.last.post([](connection& to) noexcept { to.close(); }), post_status::accepted);
    from.close();
  };
  auto& to = listen(target, narrow());
  auto reader = host().dial(to.local(), {small_window(), receive_slowly(30'000, 1ms)});
  turn_until([&] { return target.opens == 1; });
  auto& from = listen(source, narrow());
  const auto bytes = pattern(1'000'000);
  auto writer = host().dial(from.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*reader).received == bytes);
  EXPECT_TRUE(finish(*writer).saw_end);
  EXPECT_GT(target.writables, 0) << "the reader's pace was never felt";
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, back_pressure_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
