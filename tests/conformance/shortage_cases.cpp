// Want of buffers that lasts: who holds many, and takes nothing, makes room for who waits.
#include <memory>
#include <vector>

#include "fixture.hpp"
#include "myra/reactor/loop.hpp"

namespace myra::conformance {
namespace {

class shortage_case : public conformance_test {
 protected:
  static constexpr std::uint32_t slot_count = 64;
  static constexpr std::uint32_t slot_size = 4096;
  static constexpr int crowd_size = 10;

  void SetUp() override {
    conformance_test::SetUp();
    if (GetParam().receives_into_area()) GTEST_SKIP() << "receives take windows of the area";
  }

  void TearDown() override {
    hoard_.clear();
    conformance_test::TearDown();
  }

  void open_with(duration patience, std::uint32_t size = slot_size) {
    auto few = options();
    few.pool.slot_size_bytes = size;
    few.pool.slot_count_initial = few.pool.slot_count_max = slot_count;
    few.receive_buffer_count = 8;
    few.features.large_buffers = false;  // these are the buffers that there are
    few.shortage_patience = patience;
    open_reactor(few);
  }

  static listener_options narrow(zero_copy_mode mode = zero_copy_mode::automatic) {
    listener_options made;
    made.connection.send_buffer_bytes = 4096;
    made.connection.send_high_water_bytes = 8 << 20;  // more than there are buffers for
    made.connection.zero_copy = mode;
    return made;
  }
  /// A connection whose peer takes nothing.
  std::unique_ptr<peer> dial_idler(record& seen, zero_copy_mode mode = zero_copy_mode::automatic) {
    auto made = host().dial(listen(seen, narrow(mode)).local(), {small_window(), stay()});
    turn_until([&] { return seen.opens == 1; });
    return made;
  }
  /// Sends a buffer a turn, until `more` or the connection for a while allowed nothing.
  void send_while(const record& to, const std::function<bool(connection&)>& more) {
    time_point sent_at = present();
    int tries = 0;  // since then
    turn_until([&] {
      act(to.last, [&](connection& peer) {
        if (!more(peer)) return;
        buffer bytes = peer.acquire();
        if (!bytes) return;
        bytes.resize(bytes.capacity());
        if (peer.send(std::move(bytes)) != send_status::accepted) return;
        sent_at = present();
        tries = 0;
      });
      return ++tries > 20 && present() - sent_at > 50ms;
    });
  }
  /// Sends what its connection allows, which is not all that there is.
  void hold_back(const record& to) {
    const std::uint64_t before = on().counters().hold_backs;
    send_while(to, [](connection&) { return true; });
    EXPECT_GT(on().counters().hold_backs, before);
    EXPECT_GT(on().internals().buffers_left(), 0U);
  }
  /// So that no buffer is left: it gets what it is allowed, the application has the rest.
  void fill(const record& to) {
    send_while(to, [](connection&) { return true; });
    leave(0);
  }
  /// The application takes buffers until so many are left to it.
  void leave(std::uint32_t count) {
    while (on().internals().pool().obtainable_count() > count)
      hoard_.push_back(on().internals().pool().acquire());
  }
  /// Peers that send more than the kernel's ring has buffers for; none of it is let go of.
  void dial_crowd() {
    crowd_seen_ = &handler();
    crowd_seen_->when_received = [this](connection&, message& bytes) {
      held_.push_back(bytes.detach());
    };
    crowd_ = host().dial_many(listen(*crowd_seen_).local(), crowd_size,
                              {send(pattern(8'000)), half_close(), receive_to_end()});
  }
  void expect_crowd_served() {
    turn_until([&] { return crowd_seen_->ends == crowd_size; });
    held_.clear();
    EXPECT_EQ(crowd_seen_->received.size(), crowd_size * 8'000U);
    EXPECT_EQ(finish(*crowd_).ends, std::size_t{crowd_size});
  }

  std::vector<buffer> hoard_;  ///< The application's.

 private:
  std::vector<buffer> held_;
  record* crowd_seen_ = nullptr;
  std::unique_ptr<peer> crowd_;
};

TEST_P(shortage_case, who_takes_nothing_makes_room) {
  open_with(100ms);
  record& seen = handler();
  auto idler = dial_idler(seen);
  fill(seen);
  turn_for(300ms);
  EXPECT_EQ(seen.closes, 0) << "nobody waits yet";
  dial_crowd();
  expect_crowd_served();
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::buffers_wanted);
  EXPECT_TRUE(seen.why == condition::resource_exhausted);
  EXPECT_EQ(on().counters().buffer_cuts, 1U);
  EXPECT_TRUE(log().contain("closed 1 connections that got nothing sent for 100 ms"));
  EXPECT_TRUE(finish(*idler).in_time) << "and it is told";
}

TEST_P(shortage_case, who_holds_less_than_its_share_is_left) {
  open_with(100ms);
  record& modest = handler();
  // One buffer, behind all that the kernel takes; without a copy it would hold those as well.
  auto modest_peer = dial_idler(modest, zero_copy_mode::never);
  send_while(modest, [](connection& peer) { return peer.queued_bytes() == 0; });
  record& seen = handler();
  auto idler = dial_idler(seen);
  fill(seen);
  dial_crowd();
  expect_crowd_served();
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(modest.closes, 0) << modest.why.message();
  act(modest.last, [](connection& peer) { peer.abort(); });
  EXPECT_TRUE(finish(*modest_peer).in_time);
  EXPECT_TRUE(finish(*idler).in_time);
}

TEST_P(shortage_case, who_waits_alone_is_left) {
  open_with(100ms);
  record& seen = handler();
  auto idler = dial_idler(seen);
  fill(seen);
  act(seen.last, [](connection& peer) {
    EXPECT_EQ(peer.send_copy(as_bytes("more")), send_status::back_pressured);
  });
  turn_for(300ms);
  EXPECT_EQ(seen.closes, 0);
  act(seen.last, [](connection& peer) { peer.abort(); });
  EXPECT_TRUE(finish(*idler).in_time);
}

TEST_P(shortage_case, who_wants_more_than_is_left_is_helped) {
  open_with(100ms);
  record& seen = handler();
  auto idler = dial_idler(seen);
  send_while(seen, [](connection&) { return true; });
  leave(2);
  record& wanting = handler();
  auto other = host().dial(listen(wanting).local(), {receive(120'000)});
  turn_until([&] { return wanting.opens == 1; });
  const auto bytes = pattern(120'000);  // thirty slots
  bool sent = false;
  wanting.when_writable = [&](connection& peer) {
    sent = sent || peer.send_copy(as_bytes(bytes)) == send_status::accepted;
  };
  act(wanting.last, [&](connection& peer) {
    EXPECT_EQ(peer.send_copy(as_bytes(bytes)), send_status::back_pressured);
  });
  turn_until([&] { return sent && seen.closes == 1; });
  EXPECT_EQ(seen.why, transport_errc::buffers_wanted);
  EXPECT_TRUE(finish(*other).received == bytes);
  EXPECT_TRUE(finish(*idler).in_time);
}

TEST_P(shortage_case, who_is_slow_is_held_back_before_others_wait) {
  open_with(10s, 64 * 1024);  // so that the kernel does not take the last one's share whole
  constexpr int idler_count = 4;
  std::vector<std::unique_ptr<peer>> idlers;
  std::vector<record*> seen;
  for (int i = 0; i < idler_count; ++i) {
    seen.push_back(&handler());
    idlers.push_back(dial_idler(*seen.back()));
    hold_back(*seen.back());
    EXPECT_GE(on().internals().buffers_left(), slot_count / 8) << i;
  }
  for (const record* each : seen) {
    EXPECT_EQ(each->closes, 0);
    act(each->last,
        [](connection& peer) { EXPECT_NE(peer.queued_bytes(), 0U) << "each got some"; });
  }
  EXPECT_EQ(on().counters().buffer_waits, 0U);
  EXPECT_EQ(on().counters().buffer_cuts, 0U);
  for (const record* each : seen) act(each->last, [](connection& peer) { peer.abort(); });
  for (auto& each : idlers) EXPECT_TRUE(finish(*each).in_time);
}

TEST_P(shortage_case, who_was_held_back_goes_on_when_there_is_room) {
  open_with(100ms);
  record& seen = handler();
  auto idler = dial_idler(seen, zero_copy_mode::never);
  leave(slot_count / 4);
  hold_back(seen);
  act(seen.last, [](connection& peer) {
    EXPECT_GT(peer.queued_bytes(), 0U);
    EXPECT_LT(peer.queued_bytes(), slot_count / 2 * slot_size);
  });
  leave(0);
  int told = 0;
  seen.when_writable = [&](connection&) { ++told; };
  turn_for(300ms);
  EXPECT_EQ(told, 0);
  EXPECT_EQ(seen.closes, 0) << "nobody else waits";
  hoard_.clear();
  turn_until([&] { return told == 1; });
  act(seen.last, [](connection& peer) {
    EXPECT_EQ(peer.send_copy(as_bytes("more")), send_status::accepted);
    peer.abort();
  });
  EXPECT_TRUE(finish(*idler).in_time);
}

TEST_P(shortage_case, who_was_held_back_goes_on_when_its_peer_reads) {
  open_with(1min);
  record& seen = handler();
  const auto slow = host().take(listen(seen, narrow()).local(), 4096);
  turn_until([&] { return seen.opens == 1; });
  leave(slot_count / 4);
  hold_back(seen);
  std::uint64_t sent_bytes = 0;
  bool told = false;
  seen.when_writable = [&](connection&) { told = true; };
  act(seen.last,
      [&](connection& peer) { sent_bytes = peer.counters().bytes_sent + peer.queued_bytes(); });
  std::string received;
  turn_until([&] {
    (void)slow->receive(received);
    return told && received.size() == sent_bytes;
  });
  act(seen.last, [](connection& peer) {
    EXPECT_EQ(peer.send_copy(as_bytes("more")), send_status::accepted);
    peer.abort();
  });
}

TEST_P(shortage_case, who_was_held_back_may_end) {
  open_with(100ms);
  record& seen = handler();
  // Without a copy, if it may be, so that its end and more to be sent wait for the first result.
  const auto slow = host().take(listen(seen, narrow(zero_copy_mode::always)).local(), 4096);
  turn_until([&] { return seen.opens == 1; });
  leave(slot_count / 4);
  hold_back(seen);
  seen.when_writable = [](connection&) { ADD_FAILURE() << "nothing more may be sent"; };
  act(seen.last, [](connection& peer) {
    peer.half_close();
    EXPECT_EQ(peer.send_copy(as_bytes("more")), send_status::closed);
  });
  turn_for(50ms);
  hoard_.clear();
  turn_for(150ms);
  act(seen.last,
      [](connection& peer) { EXPECT_EQ(peer.send_copy(as_bytes("more")), send_status::closed); });
  act(seen.last, [](connection& peer) { peer.abort(); });
}

TEST_P(shortage_case, switched_off_all_wait) {
  open_with(duration::zero());
  record& seen = handler();
  auto idler = dial_idler(seen);
  fill(seen);
  dial_crowd();
  turn_until([&] { return on().counters().buffer_waits != 0; });
  turn_for(300ms);
  EXPECT_EQ(seen.closes, 0);
  EXPECT_EQ(on().counters().buffer_cuts, 0U);
  act(seen.last, [](connection& peer) { peer.abort(); });
  expect_crowd_served();
  EXPECT_TRUE(finish(*idler).in_time);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, shortage_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
