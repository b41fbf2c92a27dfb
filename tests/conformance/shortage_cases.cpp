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
  static constexpr int crowd_size = 16;

  void SetUp() override {
    conformance_test::SetUp();
    if (GetParam().receives_into_area()) GTEST_SKIP() << "receives take windows of the area";
  }

  void open_with(duration patience) {
    auto few = options();
    few.pool.slot_size_bytes = slot_size;
    few.pool.slot_count_initial = few.pool.slot_count_max = slot_count;
    few.receive_buffer_count = 8;
    few.features.large_buffers = false;  // these are the buffers that there are
    few.shortage_patience = patience;
    open_reactor(few);
  }

  /// A connection whose peer takes nothing.
  std::unique_ptr<peer> dial_idler(record& seen, zero_copy_mode mode = zero_copy_mode::automatic) {
    listener_options narrow;
    narrow.connection.send_buffer_bytes = 4096;
    narrow.connection.zero_copy = mode;
    auto made = host().dial(listen(seen, narrow).local(), {small_window(), stay()});
    turn_until([&] { return seen.opens == 1; });
    return made;
  }
  /// Sends what `more` allows, until for a while it allowed nothing.
  void send_while(const record& to, const std::function<bool(connection&)>& more) {
    time_point sent_at = present();
    turn_until([&] {
      act(to.last, [&](connection& peer) {
        while (more(peer)) {
          buffer bytes = peer.acquire();
          if (!bytes) return;
          bytes.resize(slot_size);
          EXPECT_EQ(peer.send(std::move(bytes)), send_status::accepted);
          sent_at = present();
        }
      });
      return present() - sent_at > 50ms;
    });
  }
  /// So that no buffer is left.
  void fill(const record& to) {
    send_while(to, [](connection&) { return true; });
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
  EXPECT_EQ(modest.closes, 0);
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
  send_while(seen, [this](connection&) { return on().internals().pool().obtainable_count() > 2; });
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
