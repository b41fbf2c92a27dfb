// Receiving: the end of the stream, resets, dribble, detached buffers.

#include "fixture.hpp"
#include "myra/io/kernel_version_test.hpp"

namespace myra::conformance {
namespace {

class receiving_case : public conformance_test {};

TEST_P(receiving_case, bytes_arrive_in_order) {
  record& seen = handler();
  auto& at = listen(seen);
  const auto bytes = pattern(300'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received, bytes);
  EXPECT_EQ(seen.ends, 1);
}

TEST_P(receiving_case, one_byte_at_a_time) {
  record& seen = handler();
  auto& at = listen(seen);
  const auto bytes = pattern(500);
  auto peer = host().dial(at.local(), {send_in_pieces(bytes, 1), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received, bytes);
}

TEST_P(receiving_case, a_dribble_is_delivered_as_it_comes) {
  record& seen = handler();
  auto& at = listen(seen);
  auto peer =
      host().dial(at.local(), {send_in_pieces("abcdef", 1, 15ms), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.received, "abcdef");
  EXPECT_GT(seen.messages, 1) << "the pieces were held back until the end";
}

TEST_P(receiving_case, end_of_stream_without_a_byte) {
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(seen.ends, 1);
  EXPECT_EQ(seen.messages, 0);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::closed);
}

TEST_P(receiving_case, the_end_comes_after_the_last_byte) {
  record& seen = handler();
  std::size_t received_at_end = 0;
  seen.when_ended = [&](connection& peer) {
    received_at_end = seen.received.size();
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send(pattern(100'000)), close()});
  peer->finish();  // all of it is there before the first turn
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(received_at_end, 100'000U);
}

TEST_P(receiving_case, a_reset_after_bytes_is_told_after_them) {
  if (GetParam().sockets > family::ipv6) GTEST_SKIP() << "Unix sockets have no reset of their own";
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), wait(20ms), reset()});
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.received, "x");
  EXPECT_EQ(seen.ends, 0) << "a reset is no end of the stream";
  EXPECT_EQ(seen.why, condition::disconnected);
  EXPECT_EQ(seen.why.value(), ECONNRESET);
}

TEST_P(receiving_case, a_reset_that_came_before_the_connection_was_looked_at_is_told) {
  if (GetParam().sockets > family::ipv6) GTEST_SKIP() << "Unix sockets have no reset of their own";
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), reset()});
  peer->finish();  // with no turn of ours
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.received, "x");
  EXPECT_EQ(seen.why.value(), ECONNRESET);
}

TEST_P(receiving_case, a_message_is_never_larger_than_a_slot) {
  record& seen = handler();
  std::size_t largest = 0;
  seen.when_received = [&](connection&, message& bytes) {
    largest = std::max(largest, bytes.bytes().size());
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send(pattern(200'000)), half_close(), receive_to_end()});
  finish(*peer);
  EXPECT_EQ(seen.received.size(), 200'000U);
  const buffer_pool* large = on().internals().large_pool();
  EXPECT_LE(largest, (large == nullptr ? on().internals().pool() : *large).slot_size_bytes());
  EXPECT_GT(largest, 0U);
}

TEST_P(receiving_case, one_shot_and_multishot_give_the_same_bytes) {
  const auto bytes = pattern(400'000);
  for (const auto mode :
       {receive_mode::one_shot, receive_mode::multishot, receive_mode::automatic}) {
    record& seen = handler();
    listener_options options;
    options.connection.receive = mode;
    auto& at = listen(seen, options);
    auto peer =
        host().dial(at.local(), {send_in_pieces(bytes, 7'001), half_close(), receive_to_end()});
    EXPECT_TRUE(finish(*peer).saw_end);
    EXPECT_EQ(seen.received, bytes);
  }
}

TEST_P(receiving_case, who_is_sent_much_gets_large_buffers) {
  if (GetParam().receives_into_area())
    GTEST_SKIP() << "zero-copy receives bring windows of the area, large or not";
  record& seen = handler();
  std::size_t largest = 0;
  seen.when_received = [&](connection&, message& bytes) {
    largest = std::max(largest, bytes.bytes().size());
    seen.received.clear();
  };
  const auto other = host().take(listen(seen).local());
  turn_until([&] { return seen.opens == 1; });
  const std::string much = pattern(1'000'000);
  const std::size_t ordinary = on().internals().pool().slot_size_bytes();
  const bool has_large = on().internals().large_pool() != nullptr;
  turn_until([&] {
    (void)other->send(much);  // as much as the sockets take
    return has_large ? largest > ordinary : seen.messages > 100;
  });
  if (!has_large) {
    EXPECT_LE(largest, ordinary);
  }
}

TEST_P(receiving_case, large_buffers_and_ordinary_ones_bring_what_was_sent) {
  constexpr std::size_t much = 3'000'000;
  constexpr std::size_t little = 20;
  record& seen = handler();
  std::size_t answered = 0;
  seen.when_received = [&](connection& peer, message&) {
    for (; much + answered < seen.received.size() && answered < little; ++answered)
      peer.send_copy(as_bytes("y"));
  };
  const std::string first = pattern(much);
  const std::string last = pattern(100'000);
  script talk{send(first)};
  for (std::size_t i = 0; i < little; ++i) talk.insert(talk.end(), {send("x"), receive(1)});
  talk.insert(talk.end(), {send(last), half_close(), receive_to_end()});
  auto peer = host().dial(listen(seen).local(), talk);
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == first + std::string(little, 'x') + last);
}

TEST_P(receiving_case, ordinary_buffers_do_where_the_large_ones_are_kept) {
  auto few = options();
  few.large_buffers.ready_count = few.large_buffers.count_max = 2;
  open_reactor(few);
  record& seen = handler();
  std::vector<buffer> kept;
  seen.when_received = [&](connection&, message& bytes) {
    if (bytes.bytes().size() > few.pool.slot_size_bytes) kept.push_back(bytes.detach());
  };
  auto& at = listen(seen);
  const auto bytes = pattern(3'000'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == bytes);
  EXPECT_LE(kept.size(), few.large_buffers.count_max);
}

TEST_P(receiving_case, no_connection_gets_more_than_its_share_of_a_turn) {
  if (GetParam().options.backend == io::backend_kind::uring &&
      !(GetParam().options.features.receive_limit && io::kernel_is_at_least(6, 17)))
    GTEST_SKIP() << "the kernel is not asked to count, or cannot";
  constexpr std::size_t share = 40'000;
  const std::size_t whole = on().internals().options().large_buffers.size_bytes;
  record& flooded = handler();
  record& asked = handler();
  listener_options options;
  options.connection.receive_turn_bytes = share;
  auto& first_at = listen(flooded, options);
  auto& second_at = listen(asked, options);
  auto first =
      host().dial(first_at.local(), {send(pattern(4'000'000)), half_close(), receive_to_end()});
  auto second =
      host().dial(first_at.local(), {send(pattern(4'000'000)), half_close(), receive_to_end()});
  auto small = host().dial(second_at.local(), {send("x"), half_close(), receive_to_end()});
  turn_until(
      [&] {
        const auto waits = on().counters().backend.waits;
        const auto before = flooded.received.size();
        EXPECT_TRUE(on().run_once(2ms));
        const auto turns = on().counters().backend.waits - waits;
        EXPECT_LE(flooded.received.size() - before, turns * 2 * (share + whole));
        return flooded.ends == 2 && asked.ends == 1;
      },
      20s);
  EXPECT_EQ(flooded.received.size(), 8'000'000U);
  finish(*first);
  finish(*second);
  finish(*small);
}

TEST_P(receiving_case, a_detached_buffer_keeps_its_bytes) {
  record& seen = handler();
  std::vector<buffer> kept;
  seen.when_received = [&](connection&, message& bytes) {
    kept.push_back(bytes.detach());
    EXPECT_TRUE(bytes.detached());
  };
  auto& at = listen(seen);
  const auto sent = pattern(600'000);
  auto peer = host().dial(at.local(), {send(sent), half_close(), receive_to_end()});
  finish(*peer);
  std::string joined;
  for (const buffer& each : kept) joined += as_text(each.bytes());
  EXPECT_EQ(joined, sent) << "a detached buffer was written to";
}

TEST_P(receiving_case, lent_bytes_may_be_changed_in_place) {
  record& seen = handler();
  seen.when_received = [](connection& peer, message& bytes) {
    for (std::byte& each : bytes.writable()) each ^= std::byte{0xff};
    peer.send(bytes.detach());
  };
  auto& at = listen(seen);
  auto sent = pattern(100'000);
  auto peer = host().dial(at.local(), {send(sent), half_close(), receive_to_end()});
  for (char& each : sent) each = static_cast<char>(~each);
  EXPECT_EQ(finish(*peer).received, sent);
}

TEST_P(receiving_case, both_directions_at_full_speed) {
  record& seen = handler();
  echo(seen);
  listener_options options;
  options.connection.send_high_water_bytes = 64 << 20;
  auto& at = listen(seen, options);
  const auto bytes = pattern(40'000);
  script talk;
  for (int i = 0; i < 50; ++i) {
    talk.push_back(send(bytes));
    if (i > 0) talk.push_back(receive(bytes.size()));
  }
  talk.insert(talk.end(), {half_close(), receive_to_end()});
  auto peer = host().dial(at.local(), talk);
  const auto told = finish(*peer);
  std::string all;
  for (int i = 0; i < 50; ++i) all += bytes;
  EXPECT_TRUE(told.received == all);
  EXPECT_TRUE(told.saw_end);
}

TEST_P(receiving_case, many_streams_are_not_mixed_up) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  std::vector<std::unique_ptr<peer>> peers;
  std::vector<std::string> sent;
  for (int i = 0; i < 20; ++i) {
    sent.push_back(std::to_string(i) + pattern(5'000 + static_cast<std::size_t>(i)));
    peers.push_back(
        host().dial(at.local(), {send_in_pieces(sent.back(), 997), receive(sent.back().size())}));
  }
  for (std::size_t i = 0; i < peers.size(); ++i) EXPECT_EQ(finish(*peers[i]).received, sent[i]);
}

TEST_P(receiving_case, what_came_before_the_handler_was_set_is_delivered_to_it) {
  endpoint at;
  auto peer = host().answer(near(), {send("early"), half_close(), receive_to_end()}, at);
  record& seen = handler();
  connection owner = dial(at);
  turn_for(30ms);
  EXPECT_EQ(seen.messages, 0);
  owner.set_handler(seen);
  turn_until([&] { return seen.ends == 1; });
  EXPECT_EQ(seen.received, "early");
  EXPECT_TRUE(finish(*peer).saw_end);
}

TEST_P(receiving_case, a_handler_may_pass_its_connection_on_to_another) {
  record& first = handler();
  record& second = handler();
  first.when_received = [&](connection& peer, message&) { peer.set_handler(second); };
  auto& at = listen(first);
  const auto bytes = pattern(300'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  turn_until([&] { return second.closes == 1; });
  EXPECT_EQ(first.messages, 1);
  EXPECT_EQ(first.received + second.received, bytes);
  EXPECT_EQ(first.ends + first.closes, 0) << "the handler of before was called again";
  EXPECT_EQ(second.ends, 1);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, receiving_case, testing::ValuesIn(variants_of_all_families()),
                         name_of);

}  // namespace myra::conformance
