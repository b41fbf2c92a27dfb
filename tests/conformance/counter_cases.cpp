// What is counted agrees with what was done, and echo and order-sized messages are not copied.
#include <algorithm>

#include "fixture.hpp"
#include "myra/framing/frame_reader.hpp"
#include "myra/framing/frame_writer.hpp"
#include "myra/reactor/counter_board.hpp"
#include "receive_pool.hpp"

namespace myra::conformance {
namespace {

constexpr std::size_t order_size = 200;

/// Answers each frame with a frame of the same payload, written where it is sent from.
struct order_book : record {
  order_book() {
    when_received = [this](connection& peer, message& bytes) {
      reader.feed(bytes.bytes());
      while (const auto order = reader.next()) accept(peer, *order);
    };
  }
  void accept(connection& peer, byte_view order) {
    buffer reply = peer.acquire();
    const std::size_t header = writer.write_header(reply.writable(), order.size()).value();
    std::ranges::copy(order, reply.writable().subspan(header).begin());
    reply.resize(static_cast<std::uint32_t>(header + order.size()));
    EXPECT_EQ(peer.send(std::move(reply)), send_status::accepted);
    ++orders;
  }
  frame_reader reader = frame_reader::open({}).value();
  frame_writer writer = frame_writer::open({}).value();
  std::size_t orders = 0;
};

std::string order_frame(const frame_writer& writer, std::size_t count) {
  const auto header = writer.header(order_size).value();
  std::string all;
  for (std::size_t i = 0; i < count; ++i)
    all.append(as_text(header.bytes())).append(pattern(order_size));
  return all;
}

class counter_case : public conformance_test {
 protected:
  [[nodiscard]] std::uint64_t armed(arm_reason why) { return on().counters().receive_arms.of(why); }
  [[nodiscard]] std::uint64_t accept_armed(arm_reason why) {
    return on().counters().accept_arms.of(why);
  }
  /// Of the connection that `seen` saw last, if it is still there.
  connection_counters counters_of(const record& seen) {
    connection_counters found;
    act(seen.last, [&](connection& peer) { found = peer.counters(); });
    return found;
  }
};

TEST_P(counter_case, an_echo_copies_nothing) {
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{64}, std::size_t{4'096}, std::size_t{300'000}}) {
    record& seen = handler();
    echo(seen);
    auto& at = listen(seen);
    script talk;
    for (int i = 0; i < 20; ++i) talk.insert(talk.end(), {send(pattern(size)), receive(size)});
    auto crowd = host().dial_many(at.local(), 5, talk);
    ASSERT_EQ(finish(*crowd).received.size(), 5 * 20 * size);
    EXPECT_EQ(on().counters().bytes_copied, 0U) << "messages of " << size;
  }
}

TEST_P(counter_case, orders_in_frames_copy_nothing) {
  order_book seen;
  auto& at = listen(seen);
  script talk;
  std::size_t orders = 0;
  for (const std::size_t depth : {1U, 1U, 16U, 1U, 16U}) {
    const std::string frames = order_frame(seen.writer, depth);
    talk.insert(talk.end(), {send(frames), receive(frames.size())});
    orders += depth;
  }
  auto peer = host().dial(at.local(), talk);
  finish(*peer);
  EXPECT_EQ(seen.orders, orders);
  EXPECT_EQ(seen.reader.bytes_copied(), 0U);
  EXPECT_EQ(on().counters().bytes_copied, 0U);
  turn_until([&] { return seen.closes == 1; });
  close_reactor();
}

TEST_P(counter_case, every_byte_that_is_copied_is_counted) {
  record& seen = handler();
  seen.when_received = [](connection& peer, message& bytes) {
    EXPECT_EQ(peer.send_copy(bytes.bytes()), send_status::accepted);
  };
  auto& at = listen(seen);
  const auto bytes = pattern(50'000);
  auto peer = host().dial(at.local(), {send(bytes), receive(bytes.size()), wait(100ms)});
  turn_until([&] { return on().counters().bytes_sent == bytes.size(); });
  EXPECT_EQ(counters_of(seen).bytes_copied, bytes.size());
  EXPECT_EQ(on().counters().bytes_copied, bytes.size());
  finish(*peer);
}

TEST_P(counter_case, a_connection_counts_its_own) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  auto other = host().dial(at.local(), {send(pattern(10)), receive(10)});
  finish(*other);
  const auto before = on().counters();
  auto peer = host().dial(
      at.local(), {send(pattern(100)), receive(100), send(pattern(50)), receive(50), wait(100ms)});
  turn_until([&] { return on().counters().bytes_sent == before.bytes_sent + 150; });
  const auto own = counters_of(seen);
  EXPECT_EQ(own.bytes_received, 150U);
  EXPECT_EQ(own.bytes_sent, 150U);
  EXPECT_GE(own.messages_received, 2U);
  EXPECT_EQ(own.sends, on().counters().sends - before.sends);
  EXPECT_EQ(own.receive_arms.of(arm_reason::first), 1U);
  EXPECT_GE(own.receive_arms.total(), 1U);
  EXPECT_EQ(own.bytes_copied, 0U);
  finish(*peer);
}

TEST_P(counter_case, connections_are_counted_as_they_come_and_go) {
  record& seen = handler();
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 7, {half_close(), receive_to_end()});
  finish(*crowd);
  turn_until([&] { return seen.closes == 7; });
  const auto counted = on().counters();
  EXPECT_EQ(counted.accepted, 7U);
  EXPECT_EQ(counted.connections_opened, 7U);
  EXPECT_EQ(counted.connections_closed, 7U);
}

TEST_P(counter_case, an_accept_is_armed_for_a_reason) {
  record& seen = handler();
  listener_options options;
  options.connections_max = 1;
  auto& at = listen(seen, options);
  EXPECT_EQ(accept_armed(arm_reason::first), 1U);
  auto first = host().dial(at.local(), {half_close(), receive_to_end()});
  finish(*first);
  turn_until([&] { return seen.closes == 1; });
  auto second = host().dial(at.local(), {half_close(), receive_to_end()});
  finish(*second);
  turn_until([&] { return seen.closes == 2; });
  EXPECT_EQ(accept_armed(arm_reason::first), 1U);
  // At the limit it is cancelled, unless it had ended with the one connection that it brings.
  EXPECT_GE(accept_armed(arm_reason::resumed) + accept_armed(arm_reason::one_shot) +
                accept_armed(arm_reason::ended),
            1U);
  if (GetParam().options.features.multishot_accept) {
    EXPECT_EQ(accept_armed(arm_reason::one_shot), 0U);
  }
  EXPECT_EQ(accept_armed(arm_reason::no_buffer), 0U);
}

TEST_P(counter_case, one_shot_accepts_are_armed_for_each_connection) {
  auto one_by_one = options();
  one_by_one.features.multishot_accept = false;
  open_reactor(one_by_one);
  record& seen = handler();
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 5, {half_close(), receive_to_end()});
  finish(*crowd);
  turn_until([&] { return seen.closes == 5; });
  EXPECT_EQ(accept_armed(arm_reason::first), 1U);
  EXPECT_EQ(accept_armed(arm_reason::one_shot), 5U);
  EXPECT_EQ(accept_armed(arm_reason::ended), 0U);
}

TEST_P(counter_case, a_receive_is_armed_for_a_reason) {
  record& seen = handler();
  seen.when_received = [&](connection& peer, message&) {
    if (seen.messages == 1) peer.pause_receive();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("one"), wait(100ms), send("two"), wait(300ms)});
  turn_until([&] { return seen.messages == 1; });
  EXPECT_EQ(armed(arm_reason::first), 1U);
  turn_for(50ms);
  act(seen.last, [](connection& paused) { paused.resume_receive(); });
  turn_until([&] { return seen.received == "onetwo"; });
  // Of the reactor: the self-test may have switched it off on this kernel.
  const bool one_shot = !on().internals().options().features.multishot_receive;
  EXPECT_EQ(armed(arm_reason::first), 1U);
  EXPECT_GE(armed(arm_reason::resumed) + armed(arm_reason::one_shot), 1U);
  if (!one_shot) {
    EXPECT_EQ(armed(arm_reason::one_shot), 0U);
  }
  EXPECT_EQ(armed(arm_reason::no_buffer), 0U);
  finish(*peer);
}

TEST_P(counter_case, a_receive_is_armed_again_when_a_buffer_is_free) {
  if (GetParam().receives_into_area())
    GTEST_SKIP() << "who finds no page of the area is armed again by the backend (area_case)";
  auto few = options();
  few.pool.slot_count_initial = few.pool.slot_count_max = 2;
  few.receive_buffer_count = 2;
  open_reactor(few);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) { held.push_back(bytes.detach()); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send(pattern(200'000)), half_close(), receive_to_end()});
  turn_until([&] {
    if (on().counters().buffer_waits != 0) held.clear();
    return seen.ends == 1;
  });
  EXPECT_GE(armed(arm_reason::no_buffer), 1U);
  EXPECT_GE(on().counters().backend.no_buffer, 1U);
  finish(*peer);
}

TEST_P(counter_case, one_shot_receives_are_armed_for_each_message) {
  record& seen = handler();
  echo(seen);
  listener_options options;
  options.connection.receive = receive_mode::one_shot;
  auto& at = listen(seen, options);
  script talk;
  for (int i = 0; i < 10; ++i) talk.insert(talk.end(), {send("order"), receive(5)});
  auto peer = host().dial(at.local(), talk);
  finish(*peer);
  EXPECT_EQ(armed(arm_reason::first), 1U);
  EXPECT_GE(armed(arm_reason::one_shot), 9U);
  EXPECT_EQ(armed(arm_reason::ended), 0U);
}

TEST_P(counter_case, a_buffer_is_somewhere) {
  record& seen = handler();
  buffer_states lent;
  buffer_states claimed;
  buffer held;
  std::uint32_t pieces = 0;  // which lie in slots that the kernel goes on to fill
  seen.when_received = [&](connection&, message& bytes) {
    lent = on().counters().buffers;
    pieces = receive_pool(on()).piece_count();
    held = bytes.detach();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("bytes"), wait(100ms)});
  turn_until([&] { return seen.messages == 1; });
  claimed = on().counters().buffers;
  held.release();
  const auto after = on().counters().buffers;
  EXPECT_EQ(lent.lent, 1U);
  EXPECT_EQ(lent.detached, 0U);
  EXPECT_EQ(claimed.lent, 0U);
  EXPECT_EQ(claimed.detached, 1U);
  EXPECT_EQ(after.detached, 0U);
  EXPECT_EQ(after.free, claimed.free + 1 - pieces);
  const auto sum = [](const buffer_states& of) {
    return of.free + of.in_ring + of.in_flight + of.lent + of.detached;
  };
  EXPECT_EQ(sum(lent), on().internals().pool().slot_count() + pieces);
  EXPECT_EQ(sum(after), on().internals().pool().slot_count());
  finish(*peer);
}

TEST_P(counter_case, messages_are_timed_when_asked_for) {
  auto timed = options();
  timed.latency = latency_timing::messages;
  open_reactor(timed);
  record& seen = handler();
  seen.when_received = [&](connection& peer, message& bytes) {
    pass(2ms);
    EXPECT_EQ(peer.send(bytes.detach()), send_status::accepted);
  };
  auto& at = listen(seen);
  script talk;
  for (int i = 0; i < 5; ++i) talk.insert(talk.end(), {send("order"), receive(5)});
  auto peer = host().dial(at.local(), talk);
  finish(*peer);
  const auto board = on().board();
  ASSERT_NE(board, nullptr);
  EXPECT_EQ(board->messages().count, on().counters().messages_received);
  EXPECT_GE(board->messages().sum_ns, 10'000'000U);
  EXPECT_GE(board->turns().count, 5U);
  EXPECT_GE(board->turns().sum_ns, 10'000'000U);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, counter_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
