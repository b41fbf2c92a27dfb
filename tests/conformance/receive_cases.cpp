// Receiving: the end of the stream, resets, dribble, pauses, windows.
#include "fixture.hpp"

namespace myra::conformance {
namespace {

using namespace std::chrono_literals;

class receiving_case : public conformance_test {};

TEST_P(receiving_case, bytes_arrive_in_order) {
  record seen;
  auto& at = listen(seen);
  const auto bytes = pattern(300'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received, bytes);
  EXPECT_EQ(seen.ends, 1);
}

TEST_P(receiving_case, one_byte_at_a_time) {
  record seen;
  auto& at = listen(seen);
  const auto bytes = pattern(500);
  auto peer = host().dial(at.local(), {send_in_pieces(bytes, 1), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received, bytes);
}

TEST_P(receiving_case, end_of_stream_without_a_byte) {
  record seen;
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.ends, 1);
  EXPECT_EQ(seen.messages, 0);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::closed);
}

TEST_P(receiving_case, a_reset_is_an_error_and_no_end) {
  record seen;
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), wait(20ms), reset()});
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.ends, 0);
  EXPECT_EQ(seen.why, condition::disconnected);
  EXPECT_EQ(seen.why.value(), ECONNRESET);
}

TEST_P(receiving_case, a_pause_delivers_nothing_and_loses_nothing) {
  record seen;
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
  ASSERT_EQ(seen.last.post([](connection& paused_one) noexcept { paused_one.resume_receive(); }),
            post_status::accepted);
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received, bytes);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, receiving_case, testing::ValuesIn(variants()),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace myra::conformance
