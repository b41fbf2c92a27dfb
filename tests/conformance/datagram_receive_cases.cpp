// Datagrams that come: whose they are, what they hold, and that none is lost on this side.
#include <algorithm>

#include "datagram_fixture.hpp"
#include "myra/io/loopback_rows_test.hpp"

namespace myra::conformance {
namespace {

class receiving_datagrams_case : public datagram_case {};

TEST_P(receiving_datagrams_case, one_with_its_peer) {
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  EXPECT_EQ(from.send_copy(as_bytes("hello"), to.local()), send_status::accepted);
  turn_until([&] { return seen.received.size() == 1; });
  EXPECT_EQ(seen.received[0], "hello");
  EXPECT_EQ(seen.peers[0], from.local());
  EXPECT_EQ(seen.truncated, 0U);
  EXPECT_EQ(to.counters().received, 1U);
  EXPECT_EQ(to.counters().bytes_received, 5U);
  turn_until([&] { return from.counters().sent == 1; });
  EXPECT_EQ(from.counters().bytes_sent, 5U);
}

TEST_P(receiving_datagrams_case, empty_ones_between_others) {
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  for (const char* text : {"", "a", "", "", "b"})
    EXPECT_EQ(from.send_copy(as_bytes(text), to.local()), send_status::accepted);
  turn_until([&] { return seen.received.size() == 5; });
  EXPECT_EQ(seen.received, (std::vector<std::string>{"", "a", "", "", "b"}));
  EXPECT_EQ(seen.peers[0], from.local());
}

TEST_P(receiving_datagrams_case, the_largest_there_is) {
  open_with_large_slots();
  const std::size_t largest = GetParam().sockets == family::ipv6 ? 65'527 : 65'507;
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  const auto bytes = pattern(largest);
  EXPECT_EQ(from.send_copy(as_bytes(bytes), to.local()), send_status::accepted);
  turn_until([&] { return seen.received.size() == 1; });
  EXPECT_TRUE(seen.received[0] == bytes);
  EXPECT_EQ(seen.truncated, 0U);
}

TEST_P(receiving_datagrams_case, one_that_no_slot_has_room_for_says_that_it_is_truncated) {
  open_with_slots(16, 8, 1024);
  mail& seen = letters();
  std::uint32_t whole_size = 0;
  seen.when_received = [&](datagram_socket&, lent_datagram& came) { whole_size = came.size(); };
  auto& to = open(seen);
  const auto bytes = pattern(3'000);
  send_raw(to, bytes);
  turn_until([&] { return seen.calls == 1; });
  EXPECT_EQ(seen.truncated, 1U);
  EXPECT_EQ(whole_size, 3'000U);
  EXPECT_EQ(to.counters().truncated, 1U);
  EXPECT_EQ(seen.received[0], bytes.substr(0, 1024 - io::datagram_headroom_bytes));
  send_raw(to, "short");
  turn_until([&] { return seen.calls == 2; });
  EXPECT_EQ(seen.received[1], "short");
  EXPECT_EQ(seen.truncated, 1U);
}

TEST_P(receiving_datagrams_case, forty_peers_are_told_apart) {
  mail& seen = letters();
  seen.when_received = [](datagram_socket& on, lent_datagram& came) {
    const endpoint peer = came.peer();
    EXPECT_EQ(on.send(came.detach(), peer), send_status::accepted);
  };
  auto& to = open(seen);
  std::deque<mail> answers(40);
  std::vector<datagram_socket*> peers;
  for (mail& each : answers) peers.push_back(&open(each));
  for (std::size_t i = 0; i < peers.size(); ++i)
    peers[i]->send_copy(as_bytes("peer " + std::to_string(i)), to.local());
  turn_until([&] {
    return std::all_of(answers.begin(), answers.end(),
                       [](const mail& each) { return each.received.size() == 1; });
  });
  for (std::size_t i = 0; i < peers.size(); ++i) {
    EXPECT_EQ(answers[i].received[0], "peer " + std::to_string(i));
    EXPECT_EQ(answers[i].peers[0], to.local());
  }
  for (datagram_socket* each : peers) destroy(*each);  // before what their handlers are
  turn_for(5ms);
}

TEST_P(receiving_datagrams_case, those_of_one_peer_in_their_order) {
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  std::size_t sent = 0;
  turn_until([&] {
    // No more on their way than the kernel keeps for a socket.
    while (sent < 600 && sent < seen.received.size() + 60)
      if (from.send_copy(as_bytes(std::to_string(sent++)), to.local()) != send_status::accepted)
        ADD_FAILURE() << "a queue of 256 was full";
    return seen.received.size() == 600;
  });
  for (std::size_t i = 0; i < 600; ++i) ASSERT_EQ(seen.received[i], std::to_string(i));
}

TEST_P(receiving_datagrams_case, four_slots_lose_none) {
  open_with_slots(4, 4);
  mail& seen = letters();
  auto& to = open(seen);
  for (int i = 0; i < 40; ++i) send_raw(to, std::to_string(i));
  turn_until([&] { return seen.received.size() == 40; });
  for (int i = 0; i < 40; ++i)
    EXPECT_EQ(seen.received[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_EQ(to.counters().dropped, 0U);
}

TEST_P(receiving_datagrams_case, a_socket_without_buffers_goes_on_when_one_comes_home) {
  open_with_slots(4, 4, 4096, io::waiting::block);
  mail& seen = letters();
  std::vector<buffer> held;
  seen.when_received = [&](datagram_socket&, lent_datagram& came) {
    held.push_back(came.detach());
  };
  auto& to = open(seen);
  for (int i = 0; i < 10; ++i) send_raw(to, std::to_string(i));
  turn_until([&] { return held.size() == 4; });
  turn_for(20ms);
  EXPECT_EQ(seen.received.size(), 4U);
  const auto before = on().counters();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(on().run_once(20ms));
  EXPECT_LT(on().counters().kernel_entries - before.kernel_entries, 60U) << "it spins";
  seen.when_received = nullptr;
  held.clear();
  turn_until([&] { return seen.received.size() == 10; });
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(seen.received[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_P(receiving_datagrams_case, paused_and_resumed_nothing_is_lost) {
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  seen.when_received = [&](datagram_socket& on, lent_datagram&) {
    if (seen.received.size() == 3) on.pause_receive();
  };
  for (int i = 0; i < 20; ++i) from.send_copy(as_bytes(std::to_string(i)), to.local());
  turn_until([&] { return seen.received.size() >= 3; });
  turn_for(20ms);
  EXPECT_EQ(seen.received.size(), 3U);
  to.resume_receive();
  turn_until([&] { return seen.received.size() == 20; });
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(seen.received[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_P(receiving_datagrams_case, a_handler_that_throws_ends_nothing) {
  mail& seen = letters();
  seen.when_received = [&](datagram_socket&, lent_datagram& came) {
    if (as_text(came.bytes()) == "bad") throw std::runtime_error("at what a stranger sent");
  };
  auto& to = open(seen);
  for (const char* text : {"good", "bad", "good"}) send_raw(to, text);
  turn_until([&] { return seen.received.size() == 3; });
  EXPECT_EQ(on().counters().handler_exceptions, 1U);
  EXPECT_TRUE(log().contain("at what a stranger sent"));
  EXPECT_EQ(to.state(), datagram_state::open);
}

TEST_P(receiving_datagrams_case, eight_of_a_thousand_bytes_in_a_row) {
  open_with_large_slots();
  mail& seen = letters();
  datagram_options coalescing;
  coalescing.coalesce = true;
  auto& to = open(seen, coalescing);
  EXPECT_TRUE(!to.coalesces() || on().internals().options().features.datagram_coalescing);
  auto& from = open();
  const auto bytes = pattern(8'000);
  EXPECT_EQ(from.send_copy(as_bytes(bytes), to.local(), 1'000), send_status::accepted);
  turn_until([&] { return seen.received.size() == 8; });
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_TRUE(seen.received[i] == bytes.substr(i * 1'000, 1'000)) << i;
  EXPECT_EQ(to.counters().received, 8U);
  if (!to.coalesces() || !from.segments_in_kernel()) return;
  if (!simulated() && !io::loopback_carries_rows())
    GTEST_SKIP() << "all came; over loopback this kernel cuts rows up before they are delivered";
  EXPECT_EQ(seen.rows, 1U);
  EXPECT_EQ(seen.calls, 1U);
}

TEST_P(receiving_datagrams_case, rows_in_slots_that_are_too_small_for_them_are_refused) {
  open_with_slots(16, 8);
  datagram_options coalescing;
  coalescing.address = near().to_string();
  coalescing.coalesce = true;
  const auto refused = datagram_socket::open(on(), coalescing);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().code == condition::invalid);
  EXPECT_NE(refused.error().what.find("reactor.pool.slot_size_bytes of 4096"), std::string::npos);
}

TEST_P(receiving_datagrams_case, what_the_kernel_drops_is_counted) {
  mail& seen = letters();
  datagram_options small;
  small.receive_buffer_bytes = 2'304;
  auto& to = open(seen, small);
  to.pause_receive();
  turn_for(5ms);
  for (int i = 0; i < 100; ++i) send_raw(to, pattern(500));
  const auto dropped = to.kernel_drop_count();
  ASSERT_TRUE(dropped);
  EXPECT_GT(*dropped, 0U);
  to.resume_receive();
  turn_until([&] { return seen.received.size() + *dropped == 100; });
}

// Coroutines.

task<> collect(datagram_socket& from, std::size_t count, std::vector<std::string>& into) {
  while (into.size() < count) {
    auto came = co_await from.receive();
    if (!came) co_return;
    into.emplace_back(as_text(came->bytes.bytes()));
  }
}

TEST_P(receiving_datagrams_case, a_coroutine_takes_them_one_after_the_other) {
  auto& to = open();
  auto& from = open();
  std::vector<std::string> taken;
  spawn(on(), collect(to, 30, taken));
  for (int i = 0; i < 30; ++i) from.send_copy(as_bytes(std::to_string(i)), to.local());
  turn_until([&] { return taken.size() == 30; });
  for (int i = 0; i < 30; ++i) EXPECT_EQ(taken[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_P(receiving_datagrams_case, a_coroutine_that_does_not_take_them_stops_the_socket) {
  datagram_options few;
  few.receive_queue_max = 4;
  auto& to = open(few);
  std::vector<std::string> taken;
  spawn(on(), collect(to, 1, taken));
  for (int i = 0; i < 100; ++i) {
    send_raw(to, std::to_string(i));
    if (i % 10 == 0) turn_for(1ms);
  }
  turn_for(20ms);
  EXPECT_EQ(taken.size(), 1U);
  EXPECT_LT(to.counters().received, 100U) << "the socket goes on";
  spawn(on(), collect(to, 100, taken));
  turn_until([&] { return taken.size() == 100; });
  for (int i = 0; i < 100; ++i) EXPECT_EQ(taken[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_EQ(to.counters().dropped, 0U);
}

task<> receive_within(datagram_socket& from, duration deadline, result<datagram>& into,
                      bool& done) {
  into = co_await from.receive({.deadline = deadline});
  done = true;
}

TEST_P(receiving_datagrams_case, a_deadline_passes_and_nothing_is_lost) {
  auto& to = open();
  result<datagram> came;
  bool done = false;
  const auto began = present();
  spawn(on(), receive_within(to, 20ms, came, done));
  turn_until([&] { return done; });
  EXPECT_GE(present() - began, 20ms);
  ASSERT_FALSE(came);
  EXPECT_EQ(came.error(), transport_errc::receive_timeout);
  send_raw(to, "late");
  done = false;
  spawn(on(), receive_within(to, 0ms, came, done));
  turn_until([&] { return done; });
  ASSERT_TRUE(came);
  EXPECT_EQ(as_text(came->bytes.bytes()), "late");
  EXPECT_FALSE(came->truncated());
  came = failure(transport_errc::closed);
}

TEST_P(receiving_datagrams_case, a_cancelled_scope_ends_the_wait) {
  auto& to = open();
  result<datagram> came;
  bool done = false;
  task_scope scope(on());
  scope.spawn(receive_within(to, 0ms, came, done));
  turn_for(5ms);
  EXPECT_FALSE(done);
  scope.cancel();
  turn_until([&] { return done && scope.count() == 0; });
  ASSERT_FALSE(came);
  EXPECT_TRUE(came.error() == condition::cancelled);
  send_raw(to, "still here");
  done = false;
  spawn(on(), receive_within(to, 0ms, came, done));
  turn_until([&] { return done; });
  ASSERT_TRUE(came);
  came = failure(transport_errc::closed);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, receiving_datagrams_case,
                         testing::ValuesIn(datagram_variants()), name_of);

}  // namespace myra::conformance
