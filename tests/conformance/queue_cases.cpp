// Submission and completion queues that are far too small for what goes through them: bytes in are
// bytes out.
#include <algorithm>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class tiny_queue_case : public conformance_test {
 protected:
  void SetUp() override {
    conformance_test::SetUp();
    if (IsSkipped()) return;
    auto tiny = options();
    tiny.submission_entries = tiny.completion_entries = 8;
    open_reactor(tiny);
  }
};

TEST_P(tiny_queue_case, two_hundred_connections_echo) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  const auto bytes = pattern(3'000);
  auto crowd = host().dial_many(at.local(), 200,
                                {send(bytes), receive(bytes.size()), send(bytes),
                                 receive(bytes.size()), half_close(), receive_to_end()});
  const auto told = finish(*crowd);
  EXPECT_EQ(told.ends, 200U);
  std::string all;
  for (int i = 0; i < 400; ++i) all += bytes;
  EXPECT_TRUE(told.received == all);
  EXPECT_EQ(seen.received.size(), all.size());
}

TEST_P(tiny_queue_case, a_storm_of_connections_that_waited) {
  listener& at = open_listener();
  auto crowd = host().dial_many(at.local(), 150, {send("x"), half_close(), receive_to_end()});
  pass(30ms);
  record& seen = handler();
  at.serve(seen);
  EXPECT_EQ(finish(*crowd).ends, 150U);
  turn_until([&] { return seen.closes == 150; });
  EXPECT_EQ(seen.received.size(), 150U);
}

TEST_P(tiny_queue_case, two_hundred_sends_of_one_turn) {
  record& seen = handler();
  std::vector<connection_handle> open;
  seen.when_open = [&](connection& peer) { open.push_back(peer.handle()); };
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 200, {receive(5)});
  turn_until([&] { return open.size() == 200; });
  for (const auto& each : open)
    EXPECT_EQ(each.post([](connection& peer) noexcept { peer.send_copy(as_bytes("burst")); }),
              post_status::accepted);
  const auto told = finish(*crowd);
  EXPECT_EQ(told.received.size(), 1'000U);
}

TEST_P(tiny_queue_case, two_hundred_aborts_of_one_turn) {
  record& seen = handler();
  std::vector<connection_handle> open;
  seen.when_open = [&](connection& peer) { open.push_back(peer.handle()); };
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 200, {receive_to_end()});
  turn_until([&] { return open.size() == 200; });
  for (const auto& each : open)
    EXPECT_EQ(each.post([](connection& peer) noexcept { peer.abort(); }), post_status::accepted);
  EXPECT_EQ(finish(*crowd).resets, 200U);
  turn_until([&] { return seen.closes == 200; });
}

TEST_P(tiny_queue_case, a_hundred_connects_at_once) {
  record& seen = handler();
  auto& at = listen(seen);
  std::vector<dialled> told(100);
  std::vector<connect_attempt> attempts;
  for (dialled& each : told)
    attempts.push_back(connect(on(), std::span(&at.local(), 1), {}, each.note()));
  turn_until([&] {
    return std::all_of(told.begin(), told.end(),
                       [](const dialled& each) { return each.connected(); });
  });
  turn_until([&] { return seen.opens == 100; });
}

TEST_P(tiny_queue_case, a_reactor_destroyed_with_a_hundred_connections) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.send_copy(as_bytes(pattern(100'000))); };
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 100, {small_window(), send("x"), receive_to_end()});
  turn_until([&] { return seen.opens == 100; });
  destroy_reactor();
  EXPECT_EQ(seen.closes, 100);
  const auto told = crowd->finish();
  EXPECT_EQ(told.ends + told.resets, 100U);
}

TEST_P(tiny_queue_case, a_loop_that_spins_does_the_same) {
  auto spinning = options();
  spinning.submission_entries = spinning.completion_entries = 8;
  spinning.wait = io::waiting::spin;
  open_reactor(spinning);
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  auto crowd =
      host().dial_many(at.local(), 50, {send("spin"), receive(4), half_close(), receive_to_end()});
  EXPECT_EQ(finish(*crowd).received.size(), 200U);
}

TEST_P(tiny_queue_case, four_completions_and_a_thousand_connections) {
  auto tiniest = options();
  tiniest.submission_entries = tiniest.completion_entries = 4;
  open_reactor(tiniest);
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  const auto bytes = pattern(1'000);
  auto crowd = host().dial_many(at.local(), 1'000,
                                {send(bytes), receive(bytes.size()), send(bytes),
                                 receive(bytes.size()), half_close(), receive_to_end()});
  const auto told = finish(*crowd);
  EXPECT_EQ(told.ends, 1'000U);
  EXPECT_EQ(told.resets, 0U);
  EXPECT_EQ(seen.received.size(), 2'000 * bytes.size());
  std::string all;
  for (int i = 0; i < 2'000; ++i) all += bytes;
  EXPECT_TRUE(told.received == all);
  turn_until([&] { return seen.closes == 1'000; });
  EXPECT_EQ(on().counters().bytes_received, on().counters().bytes_sent);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, tiny_queue_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
