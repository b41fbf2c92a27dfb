// Buffers when there are too few: nothing is lost, nobody is reset, and the loop does not spin.
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "fixture.hpp"
#include "myra/core/sanitizer_test.hpp"
#include "receive_pool.hpp"

namespace myra::conformance {
namespace {

class buffering_case : public conformance_test {
 protected:
  /// A reactor with `count` slots in all, of `size` bytes, of which `lent` lie in the kernel's ring
  /// where there is one.
  void open_with(std::uint32_t count, std::uint32_t lent, std::uint32_t size = 4096) {
    open_with(count, lent, size, options().wait);
  }
  void open_with(std::uint32_t count, std::uint32_t lent, std::uint32_t size, io::waiting wait) {
    auto few = options();
    few.wait = wait;
    few.pool.slot_size_bytes = size;
    few.pool.slot_count_initial = few.pool.slot_count_max = count;
    few.receive_buffer_count = lent;
    few.features.large_buffers = false;  // these are the buffers that there are
    few.shortage_patience = patience_;
    // Or these, to receive into.
    if (GetParam().receives_into_area())
      few.zero_copy_receive.area_bytes = std::max(count, area_pages_min) * 4096;
    open_reactor(few);
  }
  /// Of a reactor with four slots: how many buffers receives have.
  static std::size_t buffer_count() { return GetParam().receives_into_area() ? area_pages_min : 4; }
  /// That is all there are; where they come in pieces, no fewer than there are buffers.
  static bool all_are(const std::vector<buffer>& held) {
    return GetParam().options.features.incremental_buffers ? held.size() >= buffer_count()
                                                           : held.size() == buffer_count();
  }
  [[nodiscard]] bool none_is_left() {
    buffer_pool& from = receive_pool(on());
    return GetParam().receives_into_area() ? from.application_count() == area_pages_min
                                           : from.free_count() == 0;
  }

  /// Turns until each of them has received just that.
  void expect_each_receives(const std::vector<std::unique_ptr<hand>>& peers,
                            std::string_view bytes) {
    std::vector<std::string> received(peers.size());
    turn_until([&] {
      for (std::size_t i = 0; i < peers.size(); ++i)
        static_cast<void>(peers[i]->receive(received[i]));
      return std::ranges::all_of(received, [&](const auto& each) { return each == bytes; });
    });
  }

  duration patience_ = reactor_options().shortage_patience;
  static constexpr std::uint32_t area_pages_min = 16;
};

TEST_P(buffering_case, four_slots_and_two_hundred_connections_bursting) {
  open_with(4, 4);
  record& seen = handler();
  auto& at = listen(seen);
  const auto burst = pattern(10'000);
  auto crowd = host().dial_many(at.local(), 200, {send(burst), half_close(), receive_to_end()});
  const auto told = finish(*crowd);
  EXPECT_EQ(told.connections, 200U);
  EXPECT_EQ(told.ends, 200U);
  EXPECT_EQ(told.resets, 0U);
  EXPECT_EQ(seen.received.size(), 200 * burst.size());
  // With submission polling completions are behind what the kernel took, and who tries goes by
  // them.
  // Each may try once in vain, and then once for each buffer that came home.
  const std::uint64_t tries_max = 200 + 2 * receive_pool(on()).returned_count();
  if (!GetParam().options.ring.submission_polling.on) {
    EXPECT_LE(on().counters().backend.no_buffer, tries_max);
  }
}

TEST_P(buffering_case, one_receive_buffer_is_enough) {
  auto few = options();
  few.receive_buffer_count = 1;
  open_reactor(few);
  record& seen = handler();
  auto& at = listen(seen);
  const auto bytes = pattern(1'000'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == bytes);
}

TEST_P(buffering_case, one_slot_in_all_is_enough_to_receive) {
  open_with(1, 1);
  record& seen = handler();
  auto& at = listen(seen);
  const auto bytes = pattern(100'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == bytes);
}

TEST_P(buffering_case, an_echo_through_few_slots) {
  open_with(8, 4);
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  const auto bytes = pattern(3'000);
  script talk;
  for (int i = 0; i < 5; ++i) talk.insert(talk.end(), {send(bytes), receive(bytes.size())});
  auto crowd = host().dial_many(at.local(), 30, talk);
  EXPECT_EQ(finish(*crowd).received.size(), 30 * 5 * bytes.size());
}

TEST_P(buffering_case, detached_ones_released_at_once_later) {
  open_with(16, 16);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) { held.push_back(bytes.detach()); };
  auto& at = listen(seen);
  const auto bytes = pattern(300'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  turn_until([&] {
    if (!held.empty() && none_is_left()) {
      turn_for(5ms);  // starved by now
      held.clear();
    }
    return seen.ends == 1;
  });
  held.clear();
  EXPECT_TRUE(seen.received == bytes);
  finish(*peer);
}

TEST_P(buffering_case, released_on_another_thread_they_wake_a_starved_reactor) {
  open_with(4, 4);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) {
    if (std::cmp_less_equal(seen.messages, buffer_count())) held.push_back(bytes.detach());
  };
  auto& at = listen(seen);
  const auto bytes = pattern(100'000);
  auto peer = host().dial(at.local(), {send(bytes), half_close(), receive_to_end()});
  turn_until([&] { return all_are(held); });
  turn_for(20ms);
  const auto before = seen.received.size();
  host().keep_pace();
  std::thread other([gone = std::move(held)]() mutable {
    std::this_thread::sleep_for(40ms);
    gone.clear();
  });
  const auto began = present();
  while (seen.received.size() == before && present() - began < 20s) ASSERT_TRUE(on().run_once(20s));
  EXPECT_LT(present() - began, 40ms + slack()) << "the loop slept over the release";
  other.join();
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_TRUE(seen.received == bytes);
}

TEST_P(buffering_case, a_starved_loop_does_not_spin) {
  open_with(4, 4, 4096, io::waiting::block);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) { held.push_back(bytes.detach()); };
  auto& at = listen(seen);
  auto crowd =
      host().dial_many(at.local(), 10, {send(pattern(20'000)), half_close(), receive_to_end()});
  turn_until([&] { return all_are(held) && seen.opens == 10; });
  turn_for(20ms);
  const auto before = on().counters();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(on().run_once(30ms));
  const auto after = on().counters();
  EXPECT_LT(after.kernel_entries - before.kernel_entries, 60U);
  EXPECT_GT(after.buffer_waits + after.backend.zero_copy_receive.waits, 0U);
  seen.when_received = nullptr;
  held.clear();
  EXPECT_EQ(finish(*crowd).ends, 10U);
  EXPECT_EQ(seen.received.size(), 200'000U);
}

TEST_P(buffering_case, many_that_cannot_make_do_with_what_is_left_do_not_spin) {
  open_with(64, 8, 4096, io::waiting::block);
  constexpr std::size_t count = 20;  // more than the kernel's ring has buffers
  record& seen = handler();
  std::vector<connection> all;
  seen.when_open = [&](connection& peer) { all.push_back(std::move(peer)); };
  auto& at = listen(seen);
  std::vector<std::unique_ptr<hand>> others;
  for (std::size_t i = 0; i < count; ++i) others.push_back(host().take(at.local()));
  turn_until([&] { return all.size() == count; });
  const auto bytes = pattern(6'000);  // two slots
  seen.when_writable = [&](connection& peer) {
    static_cast<void>(peer.send_copy(as_bytes(bytes)));
  };
  buffer_pool& pool = on().internals().pool();
  std::vector<buffer> held;
  while (pool.obtainable_count() > 1) held.push_back(pool.acquire());
  for (connection& each : all)
    EXPECT_EQ(each.send_copy(as_bytes(bytes)), send_status::back_pressured);
  const auto end = present() + 150ms;
  int turns = 0;
  for (; present() < end && turns < 1000; ++turns)
    ASSERT_TRUE(on().internals().turn(present() + 30ms));
  EXPECT_LT(turns, 60);
  held.clear();
  expect_each_receives(others, bytes);
  all.clear();
}

TEST_P(buffering_case, what_a_send_gives_back_is_not_slept_over) {
  patience_ = duration::zero();  // whose looks would wake the loop
  open_with(4, 4);
  record& seen = handler();
  time_point last_came;
  seen.when_received = [&](connection& peer, message& bytes) {
    last_came = present();
    EXPECT_EQ(peer.send(bytes.detach()), send_status::accepted);
  };
  auto& at = listen(seen);
  std::vector<std::unique_ptr<hand>> others;
  for (int i = 0; i < 5; ++i) others.push_back(host().take(at.local()));
  turn_until([&] { return seen.opens == 5; });
  turn_for(20ms);
  const auto bytes = pattern(3'000);
  for (std::size_t round = 1; round <= 5; ++round) {
    for (const auto& each : others) ASSERT_TRUE(each->send(bytes));
    const auto began = present();
    while (seen.received.size() < round * 5 * bytes.size() && present() - began < 20s)
      ASSERT_TRUE(on().internals().turn(present() + 5s));
    EXPECT_LT(last_came - began, slack()) << round;
    std::vector<std::string> received(others.size());
    turn_until([&] {
      bool all = true;
      for (std::size_t i = 0; i < others.size(); ++i) {
        static_cast<void>(others[i]->receive(received[i]));
        all = all && received[i] == bytes;
      }
      return all;
    });
  }
}

TEST_P(buffering_case, a_starved_connection_can_be_closed) {
  open_with(4, 4);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) { held.push_back(bytes.detach()); };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send(pattern(100'000)), receive_to_end()});
  turn_until([&] { return all_are(held); });
  turn_for(10ms);
  EXPECT_TRUE(act(seen.last, [](connection& starved) { starved.abort(); }));
  turn_until([&] { return seen.closes == 1; });
  held.clear();
  finish(*peer);
}

TEST_P(buffering_case, a_reactor_destroyed_while_it_starves) {
  open_with(4, 4);
  record& seen = handler();
  std::vector<buffer> held;
  seen.when_received = [&](connection&, message& bytes) { held.push_back(bytes.detach()); };
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 8, {send(pattern(20'000)), receive_to_end()});
  turn_until([&] { return all_are(held) && seen.opens == 8; });
  turn_for(10ms);
  held.clear();
  destroy_reactor();
  EXPECT_EQ(seen.closes, 8);
  crowd->finish();
}

TEST_P(buffering_case, acquire_says_no_at_the_limit_and_yes_after_a_release) {
  open_with(8, 4);
  std::vector<buffer> held;
  while (buffer one = on().acquire()) held.push_back(std::move(one));
  EXPECT_LE(held.size(), 8U);
  EXPECT_FALSE(on().acquire());
  ASSERT_FALSE(held.empty());
  held.pop_back();
  EXPECT_TRUE(on().acquire());
}

TEST_P(buffering_case, a_copy_without_a_free_slot_is_refused_whole_and_told_of_room) {
  open_with(8, 4);
  record& seen = handler();
  std::vector<buffer> held;
  const std::string text(6'000, 't');  // two slots
  seen.when_open = [&](connection& peer) {
    while (buffer one = peer.acquire()) held.push_back(std::move(one));
    EXPECT_EQ(peer.send_copy(as_bytes(text)), send_status::back_pressured);
    EXPECT_EQ(peer.queued_bytes(), 0U);
  };
  bool sent = false;
  seen.when_writable = [&](connection& peer) {
    sent = peer.send_copy(as_bytes(text)) == send_status::accepted;
    if (sent) peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  turn_until([&] { return seen.opens == 1; });
  turn_for(10ms);
  EXPECT_FALSE(sent);
  held.clear();
  EXPECT_EQ(finish(*peer).received, text);
}

TEST_P(buffering_case, one_that_keeps_its_buffers_does_not_hold_up_the_others) {
  open_with(64, 32);
  record& hoarder = handler();
  std::vector<buffer> held;
  hoarder.when_received = [&](connection& peer, message& bytes) {
    held.push_back(bytes.detach());
    if (held.size() >= 32) peer.pause_receive();
  };
  record& quick = handler();
  echo(quick);
  auto& first_at = listen(hoarder);
  auto& second_at = listen(quick);
  // By the piece: with submission polling a pause takes effect late.
  const auto hoarding = host().take(first_at.local());
  turn_until([&] {
    (void)hoarding->send("a piece");
    return held.size() >= 32;
  });
  auto peer = host().dial(second_at.local(), {send(pattern(20'000)), receive(20'000)});
  EXPECT_EQ(finish(*peer).received, pattern(20'000));
  held.clear();
  act(hoarder.last, [](connection& to) { to.abort(); });
}

// Who waits for a buffer is served in turn, however much the others could take. What a peer asks is
// there at once, so that the messages of the others until its answer count its place in the line.
TEST_P(buffering_case, one_that_asks_beside_ten_that_flood_a_ring_of_four) {
  if (GetParam().options.ring.submission_polling.on)
    GTEST_SKIP() << "the kernel's thread comes to those that are armed before it sees who waits";
  auto few = options();
  few.receive_buffer_count = 4;
  few.features.large_buffers = false;
  if (GetParam().receives_into_area()) few.zero_copy_receive.area_bytes = area_pages_min * 4096;
  open_reactor(few);
  record& flooded = handler();
  flooded.when_received = [&](connection&, message&) { flooded.received.clear(); };
  record& asked = handler();
  echo(asked);
  auto& flooded_at = listen(flooded);
  auto& asked_at = listen(asked);
  std::vector<std::unique_ptr<hand>> flooders;
  for (int i = 0; i < 10; ++i) flooders.push_back(host().take(flooded_at.local()));
  const auto asker = host().take(asked_at.local());
  ASSERT_TRUE(turn_until([&] { return flooded.opens == 10 && asked.opens == 1; }));
  const auto flood = pattern(200'000);
  std::string answers;
  int most = 0;
  for (std::size_t i = 1; i <= 50; ++i) {
    ASSERT_TRUE(asker->send("served?"));
    const int before = flooded.messages;
    ASSERT_TRUE(turn_until([&] {
      for (const auto& each : flooders) (void)each->send(flood);
      return asker->receive(answers) || answers.size() == i * 7;
    }));
    most = std::max(most, flooded.messages - before);
  }
  EXPECT_LT(most, 1'000);
  EXPECT_GT(flooded.messages, 100);
}

TEST_P(buffering_case, memory_that_the_kernel_refuses_costs_no_connection) {
  if (sanitized) GTEST_SKIP() << "a sanitizer needs memory of its own, and ends without it";
  auto growing = options();
  growing.pool.slot_size_bytes = 4096;
  growing.pool.slot_count_initial = 64;
  growing.pool.slot_count_max = 1024;
  growing.receive_buffer_count = 8;
  growing.shortage_patience = 100ms;
  open_reactor(growing);
  constexpr std::size_t count = 4;
  const auto bytes = pattern(6'000);  // two slots
  record& seen = handler();
  std::vector<connection> all;
  seen.when_open = [&](connection& peer) { all.push_back(std::move(peer)); };
  std::size_t sent = 0;
  seen.when_writable = [&](connection& peer) {
    if (peer.send_copy(as_bytes(bytes)) == send_status::accepted) ++sent;
  };
  auto& at = listen(seen);
  std::vector<std::unique_ptr<hand>> others;
  for (std::size_t i = 0; i < count; ++i) others.push_back(host().take(at.local()));
  turn_until([&] { return all.size() == count; });
  buffer_pool& pool = on().internals().pool();
  std::vector<buffer> held;
  held.reserve(pool.slot_count_max());
  while (pool.free_count() != 0) held.push_back(pool.acquire());
  rlimit before{};
  ::getrlimit(RLIMIT_AS, &before);
  const rlimit none_left{1024 * 1024, before.rlim_max};
  ::setrlimit(RLIMIT_AS, &none_left);
  std::size_t refused = 0;
  for (connection& each : all)
    refused += each.send_copy(as_bytes(bytes)) == send_status::back_pressured ? 1 : 0;
  const auto waits = on().counters().backend.waits;
  turn_for(200ms);
  const auto waited = on().counters().backend.waits - waits;
  for (int i = 0; i < 3; ++i) {
    held.pop_back();
    turn_for(20ms);
  }
  const int closed = seen.closes;
  ::setrlimit(RLIMIT_AS, &before);
  EXPECT_EQ(refused, count);
  EXPECT_LT(waited, 200U);
  EXPECT_EQ(closed, 0);
  held.clear();
  expect_each_receives(others, bytes);
  EXPECT_EQ(sent, count);
  all.clear();
}

TEST_P(buffering_case, the_smallest_and_the_largest_slots) {
  for (const std::uint32_t size : {64U, 1024U * 1024U}) {
    open_with(64, 16, size);
    record& seen = handler();
    seen.when_received = [](connection& peer, message& bytes) {
      EXPECT_EQ(peer.send_copy(bytes.bytes()), send_status::accepted);
    };
    auto& at = listen(seen);
    const auto bytes = pattern(900);
    script talk;
    for (int i = 0; i < 20; ++i) talk.insert(talk.end(), {send(bytes), receive(bytes.size())});
    auto peer = host().dial(at.local(), talk);
    const auto told = finish(*peer);
    ASSERT_EQ(told.received.size(), 20 * bytes.size()) << "slots of " << size;
    for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(told.received.compare(i * 900, 900, bytes), 0);
  }
}

TEST_P(buffering_case, options_out_of_bounds_are_refused_by_name) {
  auto wrong = options();
  wrong.receive_buffer_count = 3;
  auto made = reactor::open(wrong);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find("receive_buffer_count"), std::string::npos);
  wrong = options();
  wrong.pool.slot_size_bytes = 100;
  made = reactor::open(wrong);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find("slot_size_bytes"), std::string::npos);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, buffering_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
