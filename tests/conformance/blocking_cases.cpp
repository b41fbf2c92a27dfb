// The client without callbacks and coroutines, against a scripted peer.
#include <array>

#include "fixture.hpp"
#include "myra/transport/blocking.hpp"

namespace myra::conformance {
namespace {

class blocking_case : public conformance_test {
 protected:
  blocking_options how() {
    blocking_options made;
    made.backend = GetParam().options.backend;
    made.source = options().source;
    return made;
  }
  blocking_connection open(const endpoint& to) {
    auto made = blocking_connection::connect(to.to_string(), how());
    if (!made) throw std::runtime_error(describe(made.error()));
    return std::move(*made);
  }
  static std::string receive_all(blocking_connection& from) {
    std::string got;
    std::array<std::byte, 5'000> piece;
    for (;;) {
      const auto size = from.receive(piece);
      EXPECT_TRUE(size);
      if (!size || *size == 0) return got;
      got += as_text(byte_view(piece).first(*size));
    }
  }
};

TEST_P(blocking_case, sends_and_receives) {
  endpoint at;
  const auto bytes = pattern(300'000);
  auto peer = host().answer(
      near(), {receive(bytes.size()), send(bytes), half_close(), receive_to_end()}, at);
  auto client = open(at);
  EXPECT_EQ(client.peer(), at);
  EXPECT_TRUE(client.send(as_bytes(bytes)));
  EXPECT_TRUE(receive_all(client) == bytes);
  client.close();
  const auto told = peer->finish();
  EXPECT_TRUE(told.received == bytes);
  EXPECT_TRUE(told.saw_end);
}

TEST_P(blocking_case, receive_exact_waits_for_all_of_it_and_tells_of_an_early_end) {
  endpoint at;
  auto peer = host().answer(
      near(), {send_in_pieces("0123456789", 3, 5ms), half_close(), receive_to_end()}, at);
  auto client = open(at);
  std::array<std::byte, 8> eight;
  EXPECT_TRUE(client.receive_exact(eight));
  EXPECT_EQ(as_text(eight), "01234567");
  const auto short_of_it = client.receive_exact(eight);
  ASSERT_FALSE(short_of_it);
  EXPECT_EQ(short_of_it.error(), transport_errc::end_of_stream);
  client.close();
  peer->finish();
}

TEST_P(blocking_case, a_missed_deadline_loses_nothing) {
  endpoint at;
  auto peer = host().answer(near(), {wait(patient(100ms)), send("late"), receive_to_end()}, at);
  auto client = open(at);
  std::array<std::byte, 4> four;
  const auto began = present();
  const auto missed = client.receive(four, 30ms);
  EXPECT_GE(present() - began, 30ms);
  EXPECT_LT(present() - began, 30ms + slack());
  ASSERT_FALSE(missed);
  EXPECT_EQ(missed.error(), condition::timed_out);
  EXPECT_TRUE(client.receive_exact(four));
  EXPECT_EQ(as_text(four), "late");
  client.close();
  peer->finish();
}

TEST_P(blocking_case, refused_with_the_address_in_the_report) {
  const auto to = host().refusing(near());
  const auto made = blocking_connection::connect(to.to_string(), how());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, condition::refused);
  EXPECT_NE(describe(made.error()).find(to.to_string()), std::string::npos);
}

TEST_P(blocking_case, half_close_and_then_the_answer) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end(), send("answer"), close()}, at);
  auto client = open(at);
  EXPECT_TRUE(client.send(as_bytes("question")));
  EXPECT_TRUE(client.half_close());
  EXPECT_EQ(receive_all(client), "answer");
  EXPECT_EQ(peer->finish().received, "question");
}

TEST_P(blocking_case, a_peer_may_be_silent_for_as_long_as_it_likes) {
  if (!simulated()) GTEST_SKIP() << "twelve minutes, which cost nothing in a simulated world alone";
  endpoint at;
  auto peer = host().answer(
      near(), {wait(6min), send("news"), wait(6min), send("more"), receive_to_end()}, at);
  auto client = open(at);
  std::array<std::byte, 4> news;
  for (const char* expected : {"news", "more"}) {
    const auto got = client.receive_exact(news);
    EXPECT_TRUE(got) << got.error().message();
    EXPECT_EQ(as_text(news), expected);
  }
  client.close();
  EXPECT_TRUE(peer->finish().saw_end);
}

TEST_P(blocking_case, after_close_it_says_closed) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  auto client = open(at);
  client.close();
  client.close();
  const auto sent = client.send(as_bytes("x"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), transport_errc::closed);
  EXPECT_TRUE(peer->finish().saw_end);
}

TEST_P(blocking_case, a_peer_that_is_gone) {
  if (GetParam().sockets > family::ipv6) GTEST_SKIP() << "Unix sockets have no reset of their own";
  endpoint at;
  auto peer = host().answer(near(), {wait(30ms), reset()}, at);
  auto client = open(at);
  peer->finish();
  std::array<std::byte, 4> four;
  const auto got = client.receive(four);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), condition::disconnected);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, blocking_case, testing::ValuesIn(variants_of_all_families()),
                         name_of);

}  // namespace myra::conformance
