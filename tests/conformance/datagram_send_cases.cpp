// Datagrams that go: rows, errors that are told and survived, and queues that say when they are
// full.
#include <algorithm>
#include <numeric>

#include "datagram_fixture.hpp"

namespace myra::conformance {
namespace {

class sending_datagrams_case : public datagram_case {
 protected:
  /// Cuts `bytes` as a row would be.
  static std::vector<std::string> cut(const std::string& bytes, std::uint32_t size) {
    std::vector<std::string> pieces;
    for (const byte_view each : segments(as_bytes(bytes), size)) pieces.emplace_back(as_text(each));
    return pieces;
  }
};

TEST_P(sending_datagrams_case, a_buffer_goes_back_out_uncopied) {
  mail& server = letters();
  server.when_received = [](datagram_socket& on, lent_datagram& came) {
    const endpoint peer = came.peer();
    EXPECT_EQ(on.send(came.detach(), peer), send_status::accepted);
  };
  auto& to = open(server);
  mail& client = letters();
  auto& from = open(client);
  buffer request = from.acquire();
  request.resize(4);
  std::ranges::copy(as_bytes("ping"), request.writable().begin());
  EXPECT_EQ(from.send(std::move(request), to.local()), send_status::accepted);
  // NOLINTNEXTLINE(bugprone-use-after-move): that it was taken is what is tested
  EXPECT_FALSE(request);
  turn_until([&] { return client.received.size() == 1; });
  EXPECT_EQ(client.received[0], "ping");
  EXPECT_EQ(on().counters().bytes_copied, 0U);
}

TEST_P(sending_datagrams_case, one_that_is_too_large_is_reported_and_harms_no_other) {
  open_with_large_slots();
  mail& sender = letters();
  auto& from = open(sender);
  mail& seen = letters();
  auto& to = open(seen);
  from.send_copy(as_bytes("before"), to.local());
  from.send_copy(as_bytes(pattern(65'536)), to.local());
  from.send_copy(as_bytes("after"), to.local());
  turn_until([&] { return seen.received.size() == 2 && sender.errors.size() == 1; });
  EXPECT_EQ(sender.errors[0].code, std::errc::message_size);
  EXPECT_EQ(sender.errors[0].peer, to.local());
  EXPECT_EQ(from.counters().errors, 1U);
  EXPECT_EQ(from.counters().sent, 2U);
  EXPECT_EQ(seen.received, (std::vector<std::string>{"before", "after"}));
}

TEST_P(sending_datagrams_case, a_copy_that_no_slot_has_room_for_is_too_large) {
  open_with_slots(16, 8);
  mail& sender = letters();
  auto& from = open(sender);
  auto& to = open();
  EXPECT_EQ(from.send_copy(as_bytes(pattern(4'097)), to.local()), send_status::accepted);
  EXPECT_TRUE(sender.errors.empty()) << "told from inside send";
  turn_until([&] { return sender.errors.size() == 1; });
  EXPECT_EQ(sender.errors[0].code, std::errc::message_size);
}

TEST_P(sending_datagrams_case, a_queue_full_of_empty_ones_lies_in_one_slot) {
  open_with_slots(16, 8);
  mail& sender = letters();
  datagram_options options;
  options.send_queue_max = 65'536;  // the most there may be
  auto& from = open(sender, options);
  auto& to = open();
  std::uint32_t taken = 0;
  while (from.send_copy({}, to.local()) == send_status::accepted) ++taken;
  EXPECT_EQ(taken, options.send_queue_max);
  turn_until([&] { return from.counters().sent + from.counters().errors == taken; });
  const buffer_pool& pool = on().internals().pool();
  EXPECT_EQ(pool.application_count(), 0U);
  EXPECT_EQ(pool.free_count() + pool.kernel_count(), 16U);
  buffer one = from.acquire();
  buffer other = from.acquire();
  EXPECT_NE(one.bytes().data(), other.bytes().data());
}

TEST_P(sending_datagrams_case, a_row_with_a_shorter_tail) {
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  EXPECT_EQ(from.segments_in_kernel(), on().internals().options().features.datagram_segmentation);
  const auto bytes = pattern(5 * 1'200 + 77);
  EXPECT_EQ(from.send_copy(as_bytes(bytes), to.local(), 1'200), send_status::accepted);
  turn_until([&] { return seen.received.size() == 6; });
  EXPECT_TRUE(seen.received == cut(bytes, 1'200));
  turn_until([&] { return from.counters().sent == 6; });
  EXPECT_EQ(from.counters().bytes_sent, bytes.size());
}

TEST_P(sending_datagrams_case, a_row_of_a_buffer) {
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  const auto bytes = pattern(2'500);
  buffer row = from.acquire();
  row.resize(2'500);
  std::ranges::copy(as_bytes(bytes), row.writable().begin());
  EXPECT_EQ(from.send(std::move(row), to.local(), 1'000), send_status::accepted);
  turn_until([&] { return seen.received.size() == 3; });
  EXPECT_TRUE(seen.received == cut(bytes, 1'000));
}

TEST_P(sending_datagrams_case, a_row_of_more_than_the_kernel_takes_at_once) {
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  const auto bytes = pattern(150 * 60 + 1);
  EXPECT_EQ(from.send_copy(as_bytes(bytes), to.local(), 60), send_status::accepted);
  turn_until([&] { return seen.received.size() == 151; });
  EXPECT_TRUE(seen.received == cut(bytes, 60));
}

TEST_P(sending_datagrams_case, a_row_of_one_is_a_datagram) {
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  from.send_copy(as_bytes("short"), to.local(), 1'000);
  from.send_copy(as_bytes("exact"), to.local(), 5);
  from.send_copy({}, to.local(), 5);
  turn_until([&] { return seen.received.size() == 3; });
  EXPECT_EQ(seen.received, (std::vector<std::string>{"short", "exact", ""}));
}

TEST_P(sending_datagrams_case, copies_of_one_turn_share_slots) {
  open_with_slots(16, 8);
  mail& seen = letters();
  auto& to = open(seen);
  auto& from = open();
  const auto before = on().internals().pool().application_count();
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(from.send_copy(as_bytes("reply " + std::to_string(i)), to.local()),
              send_status::accepted);
  EXPECT_EQ(on().internals().pool().application_count(), before + 1);
  turn_until([&] { return seen.received.size() == 100; });
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(seen.received[static_cast<std::size_t>(i)], "reply " + std::to_string(i));
}

TEST_P(sending_datagrams_case, a_full_queue_says_so_and_tells_of_room) {
  mail& sender = letters();
  datagram_options short_queue;
  short_queue.send_queue_max = 8;
  short_queue.send_queue_low = 2;
  auto& from = open(sender, short_queue);
  mail& seen = letters();
  auto& to = open(seen);
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(from.send_copy(as_bytes(std::to_string(i)), to.local()), send_status::accepted);
  buffer unsent = from.acquire();
  unsent.resize(1);
  EXPECT_EQ(from.send(std::move(unsent), to.local()), send_status::back_pressured);
  // NOLINTNEXTLINE(bugprone-use-after-move): it is moved from only when accepted
  EXPECT_TRUE(unsent) << "what is not accepted stays its owner's";
  unsent.release();
  EXPECT_EQ(from.send_copy(as_bytes("8"), to.local()), send_status::back_pressured);
  EXPECT_EQ(from.queued_count(), 8U);
  sender.when_writable = [&](datagram_socket& on) {
    EXPECT_LE(on.queued_count(), 2U);
    EXPECT_EQ(on.send_copy(as_bytes("8"), to.local()), send_status::accepted);
  };
  turn_until([&] { return seen.received.size() == 9; });
  EXPECT_EQ(sender.writables, 1);
  for (int i = 0; i < 9; ++i)
    EXPECT_EQ(seen.received[static_cast<std::size_t>(i)], std::to_string(i));
}

TEST_P(sending_datagrams_case, a_full_queue_tells_of_room_to_a_loop_that_would_sleep) {
  mail& sender = letters();
  datagram_options short_queue;
  short_queue.send_queue_max = 2;
  short_queue.send_queue_low = 0;
  auto& from = open(sender, short_queue);
  auto& to = open();
  from.send_copy(as_bytes("1"), to.local());
  from.send_copy(as_bytes("2"), to.local());
  turn_for(5ms);
  from.send_copy(as_bytes("3"), to.local());
  from.send_copy(as_bytes("4"), to.local());
  EXPECT_EQ(from.send_copy(as_bytes("5"), to.local()), send_status::back_pressured);
  const auto began = present();
  while (sender.writables == 0 && present() - began < 20s) ASSERT_TRUE(on().run_once(20s));
  EXPECT_LT(present() - began, slack());
}

TEST_P(sending_datagrams_case, a_copy_without_a_free_slot_is_refused_and_told_of_room) {
  open_with_slots(8, 4);
  mail& sender = letters();
  auto& from = open(sender);
  mail& seen = letters();
  auto& to = open(seen);
  turn_for(2ms);
  std::vector<buffer> held;
  while (buffer one = on().acquire()) held.push_back(std::move(one));
  EXPECT_EQ(from.send_copy(as_bytes("x"), to.local()), send_status::back_pressured);
  bool sent = false;
  sender.when_writable = [&](datagram_socket& on) {
    sent = sent || on.send_copy(as_bytes("x"), to.local()) == send_status::accepted;
  };
  turn_for(10ms);
  EXPECT_FALSE(sent);
  held.clear();
  turn_until([&] { return seen.received.size() == 1; });
  EXPECT_TRUE(sent);
}

task<> send_all(datagram_socket& from, endpoint to, int count, bool& done) {
  for (int i = 0; i < count; ++i) {
    const std::string text = std::to_string(i);
    const auto sent = co_await from.send_copy(as_bytes(text), to);
    if (!sent) co_return;
  }
  done = true;
}

task<> receive_then_send(datagram_socket& from, reactor& on, endpoint to, int& step) {
  const auto came = co_await from.receive();
  step = came ? 1 : -1;
  static_cast<void>(co_await sleep_for(on, 10ms));
  const auto sent = co_await from.send_copy(as_bytes("x"), to);
  step = sent ? 2 : -2;
}

TEST_P(sending_datagrams_case, a_coroutine_that_waits_for_a_slot_is_told_of_it_after_the_input) {
  open_with_slots(8, 4);
  auto& from = open();
  mail& seen = letters();
  auto& to = open(seen);
  int step = 0;
  spawn(on(), receive_then_send(from, on(), to.local(), step));
  turn_for(2ms);
  send_raw(from, "go on");
  turn_until([&] { return step == 1; });
  std::vector<buffer> held;
  while (buffer one = on().acquire()) held.push_back(std::move(one));
  turn_for(20ms);
  from.drain();
  turn_for(10ms);
  held.clear();
  turn_until([&] { return step == 2; });
  turn_until([&] { return seen.received.size() == 1; });
}

TEST_P(sending_datagrams_case, a_coroutine_waits_for_room) {
  datagram_options short_queue;
  short_queue.send_queue_max = 4;
  short_queue.send_queue_low = 1;
  auto& from = open(short_queue);
  mail& seen = letters();
  auto& to = open(seen);
  bool done = false;
  spawn(on(), send_all(from, to.local(), 100, done));
  EXPECT_FALSE(done);
  turn_until([&] { return done && seen.received.size() == 100; });
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(seen.received[static_cast<std::size_t>(i)], std::to_string(i));
}

task<> send_one(datagram_socket& from, endpoint to, result<void>& outcome, bool& done) {
  outcome = co_await from.send_copy(as_bytes("x"), to);
  done = true;
}

TEST_P(sending_datagrams_case, a_coroutine_that_waits_for_room_is_told_of_the_end) {
  datagram_options short_queue;
  short_queue.send_queue_max = 1;
  short_queue.send_queue_low = 0;
  auto& from = open(short_queue);
  auto& to = open();
  EXPECT_EQ(from.send_copy(as_bytes("x"), to.local()), send_status::accepted);
  result<void> outcome;
  bool done = false;
  spawn(on(), send_one(from, to.local(), outcome, done));
  EXPECT_FALSE(done);
  from.abort();
  turn_until([&] { return done; });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error(), transport_errc::closed);
}

// Peers that are not there.

TEST_P(sending_datagrams_case, a_refusal_is_told_and_survived) {
  mail& seen = letters();
  datagram_options options;
  options.peer = nowhere();
  auto& from = open(seen, options);
  EXPECT_EQ(from.send_copy(as_bytes("anybody?")), send_status::accepted);
  turn_until([&] { return !seen.errors.empty(); });
  EXPECT_TRUE(seen.errors[0].code == condition::refused);
  EXPECT_EQ(seen.errors[0].peer, from.peer());
  EXPECT_EQ(from.state(), datagram_state::open);
  mail& late = letters();
  datagram_options there;
  there.address = options.peer;
  late.when_received = [](datagram_socket& on, lent_datagram& came) {
    on.send_copy(as_bytes("here"), came.peer());
  };
  open(late, there);
  EXPECT_EQ(from.send_copy(as_bytes("and now?")), send_status::accepted);
  turn_until([&] { return seen.received.size() == 1; });
  EXPECT_EQ(late.received, std::vector<std::string>{"and now?"});
  EXPECT_EQ(seen.received[0], "here");
}

TEST_P(sending_datagrams_case, what_meets_an_earlier_refusal_goes_again_with_an_address_too) {
  mail& seen = letters();
  datagram_options options;
  options.peer = nowhere();
  auto& from = open(seen, options);
  from.pause_receive();
  turn_for(2ms);
  EXPECT_EQ(from.send_copy(as_bytes("anybody?")), send_status::accepted);
  // Loopback refuses while it sends, but a thread that polls the ring may send late.
  turn_until([&] { return from.queued_count() == 0; });
  mail& late = letters();
  datagram_options there;
  there.address = options.peer;
  open(late, there);
  EXPECT_EQ(from.send_copy(as_bytes("and now?"), from.peer()), send_status::accepted);
  turn_until([&] { return late.received.size() == 1; });
  EXPECT_EQ(late.received, std::vector<std::string>{"and now?"});
  EXPECT_EQ(seen.errors.size(), 1U);
}

TEST_P(sending_datagrams_case, a_burst_to_nobody_ends_and_is_told) {
  mail& seen = letters();
  datagram_options options;
  options.peer = nowhere();
  auto& from = open(seen, options);
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(from.send_copy(as_bytes(std::to_string(i))), send_status::accepted);
  turn_until([&] { return from.queued_count() == 0 && !seen.errors.empty(); });
  for (const auto& each : seen.errors) EXPECT_TRUE(each.code == condition::refused);
  EXPECT_EQ(from.state(), datagram_state::open);
}

task<> receive_one(datagram_socket& from, result<datagram>& into, bool& done) {
  into = co_await from.receive();
  done = true;
}

TEST_P(sending_datagrams_case, a_refusal_is_told_to_a_coroutine_that_receives) {
  datagram_options options;
  options.peer = nowhere();
  auto& from = open(options);
  result<datagram> came;
  bool done = false;
  spawn(on(), receive_one(from, came, done));
  from.send_copy(as_bytes("anybody?"));
  turn_until([&] { return done; });
  ASSERT_FALSE(came);
  EXPECT_TRUE(came.error() == condition::refused);
  EXPECT_EQ(from.state(), datagram_state::open);
}

TEST_P(sending_datagrams_case, a_connected_socket_hears_its_peer_alone) {
  mail& server = letters();
  auto& at = open(server);
  mail& client = letters();
  auto& from = open(client, towards(at));
  EXPECT_EQ(from.peer(), at.local());
  send_raw(from, "a stranger's");
  server.when_received = [](datagram_socket& on, lent_datagram& came) {
    on.send_copy(as_bytes("the peer's"), came.peer());
  };
  from.send_copy(as_bytes("hello"));
  turn_until([&] { return client.received.size() == 1; });
  turn_for(5ms);
  EXPECT_EQ(client.received, std::vector<std::string>{"the peer's"});
}

TEST_P(sending_datagrams_case, to_an_address_that_the_socket_cannot_reach) {
  mail& sender = letters();
  auto& from = open(sender);
  const bool is_ipv6 = GetParam().sockets == family::ipv6;
  // A socket of IPv6 reaches IPv4 as well, but no broadcast address without asking for it.
  const endpoint to = endpoint::parse(is_ipv6 ? "[::ffff:255.255.255.255]:9" : "[::1]:9").value();
  EXPECT_EQ(from.send_copy(as_bytes("x"), to), send_status::accepted);
  turn_until([&] { return sender.errors.size() == 1; });
  EXPECT_EQ(sender.errors[0].peer, to);
  mail& seen = letters();
  auto& there = open(seen);
  from.send_copy(as_bytes("still alive"), there.local());
  turn_until([&] { return seen.received.size() == 1; });
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, sending_datagrams_case,
                         testing::ValuesIn(datagram_variants()), name_of);

}  // namespace myra::conformance
