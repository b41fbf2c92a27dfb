// Sockets that go from ring to ring: both rings belong to one thread here, which turns them one
// after the other.
#include <algorithm>
#include <deque>

#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {
namespace {

uring_options small_ring(unsigned places, unsigned entries) {
  uring_options options;
  options.receive_buffer_count = 16;
  options.direct_descriptor_count = places;
  options.submission_entries = options.completion_entries = entries;
  options.features.ring_messages = true;
  return options;
}

backend_maker from(const uring_options& options, std::string name) {
  return {std::move(name), [options](buffer_pool& pool) -> opened<std::unique_ptr<backend>> {
            auto made = uring_backend::open(options, pool);
            if (!made) return std::unexpected(std::move(made.error()));
            return std::unique_ptr<backend>(std::move(*made));
          }};
}

/// Keeps what it is brought.
struct shelf : inlet {
  shelf()
      : inlet([](inlet& into, descriptor socket) noexcept {
          static_cast<shelf&>(into).sockets.push_back(socket);
        }) {}
  std::vector<descriptor> sockets;
};

/// `engine` sends, `there` gets.
class hand_over_test : public backend_test {
 protected:
  void open_there(const uring_options& options) {
    auto made = uring_backend::open(options, *pool);
    ASSERT_TRUE(made) << describe(made.error());
    there = std::move(*made);
    auto address = there->open_inlet(came);
    ASSERT_TRUE(address) << describe(address.error());
    to = *address;
  }
  /// False: this kernel has no direct descriptors that one can get out of the table again.
  [[nodiscard]] bool has_table() const { return engine->counters().direct_places != 0; }
  void TearDown() override {
    if (there) {
      for (const descriptor each : came.sockets) there->sockets().close(each);
      for (int i = 0; i < 1000 && there->counters().direct_open != 0; ++i) turn_there();
      EXPECT_EQ(there->counters().direct_open, 0U);
      there.reset();
    }
    backend_test::TearDown();
  }
  void turn_there() {
    const time_point now = there->now();
    ASSERT_TRUE(there->wait(now + 1ms, now));
    there->deliver();
  }
  /// A socket of ours whose other end is the last of `peers`; direct if there is a table.
  descriptor accept_one(bool ordinary = false) {
    sockaddr_in address;
    recorded_accept accept(tcp_listener(address));
    accept.multishot = false;
    accept.ordinary = ordinary;
    peers.push_back(connect_to(address));
    EXPECT_GE(run(accept), 0);
    return accept.last_socket();
  }
  /// Hands it over and turns both until that is told. Returns the result.
  int hand_over(descriptor socket) {
    recorded<hand_over_operation> hand(socket);
    hand.to = to;
    submit(hand);
    for (const time_point limit = clock::now() + patient(5s);
         !hand.idle() && clock::now() < limit;) {
      turn(1ms);
      turn_there();
    }
    EXPECT_TRUE(hand.idle());
    for (int i = 0; i < 3; ++i) turn_there();
    return hand.last();
  }
  /// What has come to `socket` over there.
  std::string receive_there(descriptor socket) {
    recorded<receive_operation> receive(socket);
    receive.multishot = false;
    there->submit(receive);
    for (int i = 0; i < 5000 && !receive.idle(); ++i) turn_there();
    EXPECT_TRUE(receive.idle());
    return receive.bytes;
  }

  shelf came;
  inlet_address to;
  std::unique_ptr<backend> there;
};

TEST_P(hand_over_test, a_direct_descriptor_arrives_as_one_and_is_gone_here) {
  if (!has_table()) GTEST_SKIP() << "no direct descriptors here";
  open_there(small_ring(1000, 64));
  const descriptor socket = accept_one();
  ASSERT_TRUE(socket.is_direct());
  peers.back().send("sent before");
  EXPECT_GE(hand_over(socket), 0);
  ASSERT_EQ(came.sockets.size(), 1U);
  EXPECT_TRUE(came.sockets[0].is_direct());
  EXPECT_TRUE(until([&] { return engine->counters().direct_open == 0; }));
  EXPECT_EQ(there->counters().direct_open, 1U);
  EXPECT_EQ(engine->counters().handed_over, 1U);
  EXPECT_EQ(there->counters().taken_in, 1U);
  EXPECT_EQ(receive_there(came.sockets[0]), "sent before");
  there->sockets().close(came.sockets[0]);
  came.sockets.clear();
  turn_there();
  EXPECT_TRUE(peers.back().at_end()) << "nobody else holds it";
}

TEST_P(hand_over_test, an_ordinary_descriptor_arrives_as_itself) {
  open_there(small_ring(1000, 64));
  const descriptor socket = accept_one(true);
  ASSERT_FALSE(socket.is_direct());
  EXPECT_GE(hand_over(socket), 0);
  ASSERT_EQ(came.sockets.size(), 1U);
  EXPECT_EQ(came.sockets[0], socket);
  EXPECT_EQ(there->counters().direct_open, 0U);
  peers.back().send("afterwards");
  EXPECT_EQ(receive_there(socket), "afterwards");
}

TEST_P(hand_over_test, a_full_table_gives_it_back) {
  if (!has_table()) GTEST_SKIP() << "no direct descriptors here";
  open_there(small_ring(1, 64));
  EXPECT_EQ(to.room->load(), 0U) << "its last places are not for others";
  EXPECT_GE(hand_over(accept_one()), 0);
  const descriptor second = accept_one();
  EXPECT_EQ(hand_over(second), -ENFILE);
  EXPECT_EQ(came.sockets.size(), 1U);
  EXPECT_EQ(engine->counters().handed_back, 1U);
  EXPECT_EQ(engine->counters().direct_open, 1U) << "it is still ours";
  peers.back().send("hello");
  recorded<receive_operation> receive(ours(second));
  receive.multishot = false;
  EXPECT_EQ(run(receive), 5);
}

TEST_P(hand_over_test, room_is_told_as_places_fill) {
  if (!has_table()) GTEST_SKIP() << "no direct descriptors here";
  open_there(small_ring(1000, 64));
  const auto before = to.room->load();
  EXPECT_GT(before, 0U);
  EXPECT_GE(hand_over(accept_one()), 0);
  EXPECT_EQ(to.room->load(), before - 1);
}

TEST_P(hand_over_test, without_a_ring_there_it_comes_back) {
  open_there(small_ring(1000, 64));
  const descriptor socket = ours(accept_one());
  const int no_ring = ours(::eventfd(0, EFD_CLOEXEC));
  recorded<hand_over_operation> hand(socket);
  hand.to = to;
  hand.to.ring = no_ring;
  EXPECT_EQ(run(hand), -EBADFD);
  hand.to.ring = 1'000'000;
  EXPECT_EQ(run(hand), -EBADF);
  const descriptor ordinary = ours(accept_one(true));
  hand.descriptor = ordinary;
  EXPECT_EQ(run(hand), -EBADF);
  EXPECT_EQ(engine->counters().handed_back, 3U);
  EXPECT_EQ(came.sockets.size(), 0U);
}

TEST_P(hand_over_test, more_than_a_completion_queue_holds_is_not_lost) {
  open_there(small_ring(1000, 8));
  constexpr std::size_t count = 100;
  std::deque<recorded<hand_over_operation>> hands;
  for (std::size_t i = 0; i < count; ++i) {
    hands.emplace_back(accept_one(i % 3 == 0)).to = to;
    submit(hands.back());
  }
  // The other one sleeps meanwhile: nothing is told before it looks.
  for (int i = 0; i < 5; ++i) turn(1ms);
  const auto all_told = [&] { return std::ranges::all_of(hands, &operation::idle); };
  for (int i = 0; i < 5000 && !(all_told() && came.sockets.size() == count); ++i) {
    turn(1ms);
    turn_there();
  }
  EXPECT_TRUE(all_told());
  EXPECT_EQ(came.sockets.size(), count);
  EXPECT_EQ(engine->counters().handed_over, count);
}

TEST_P(hand_over_test, several_inlets_of_a_ring_are_told_apart) {
  open_there(small_ring(1000, 64));
  shelf second;
  const auto address = there->open_inlet(second);
  ASSERT_TRUE(address);
  EXPECT_GE(hand_over(accept_one()), 0);
  to = *address;
  EXPECT_GE(hand_over(accept_one()), 0);
  EXPECT_GE(hand_over(accept_one(true)), 0);
  EXPECT_EQ(came.sockets.size(), 1U);
  EXPECT_EQ(second.sockets.size(), 2U);
  for (const descriptor each : second.sockets) came.sockets.push_back(each);
}

TEST(hand_over, has_a_reason_where_it_cannot_be) {
  auto pool = buffer_pool::open({});
  ASSERT_TRUE(pool);
  shelf nobody;
  uring_options off = small_ring(0, 8);
  off.features.ring_messages = false;
  auto made = uring_backend::open(off, **pool);
  if (!made) GTEST_SKIP() << describe(made.error());
  const auto refused = (*made)->open_inlet(nobody);
  ASSERT_FALSE(refused);
  EXPECT_NE(describe(refused.error()).find("switched off"), std::string::npos);
}

uring_options cooperative() {
  uring_options options = small_ring(1000, 64);
  options.features.deferred_task_run = false;
  return options;
}

INSTANTIATE_TEST_SUITE_P(uring, hand_over_test,
                         testing::Values(from(small_ring(1000, 64), "uring"),
                                         from(small_ring(1000, 8), "small_ring"),
                                         from(cooperative(), "cooperative")),
                         name_of_maker);

}  // namespace
}  // namespace myra::io
