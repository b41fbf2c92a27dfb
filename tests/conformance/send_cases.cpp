// Sending: short sends, large and small ones, their order, peers that vanish.
#include <random>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class sending_case : public conformance_test {
 protected:
  static buffer filled(connection& peer, std::string_view text) {
    buffer made = peer.acquire();
    made.resize(static_cast<std::uint32_t>(text.size()));
    copy(made, text);
    return made;
  }
  static void copy(buffer& into, std::string_view text) {
    std::memcpy(into.writable().data(), text.data(), text.size());
  }
};

TEST_P(sending_case, short_sends_are_continued) {
  record& seen = handler();
  const auto bytes = pattern(900'000);
  seen.when_open = [&](connection& peer) {
    EXPECT_EQ(peer.send_copy(as_bytes(bytes)), send_status::accepted);
  };
  listener_options options;
  options.connection.send_buffer_bytes = 4096;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), receive(bytes.size())});
  EXPECT_TRUE(finish(*peer).received == bytes);
}

TEST_P(sending_case, fifty_megabytes) {
  record& seen = handler();
  const auto block = pattern(1 << 20);
  int left = 50;
  const auto pump = [&](connection& peer) {
    while (left > 0 && peer.send_copy(as_bytes(block)) == send_status::accepted) --left;
    if (left == 0) peer.close();
  };
  seen.when_open = seen.when_writable = pump;
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.saw_end);
  ASSERT_EQ(told.received.size(), 50 * block.size());
  for (std::size_t i = 0; i < 50; ++i)
    ASSERT_EQ(told.received.compare(i * block.size(), block.size(), block), 0) << "block " << i;
}

TEST_P(sending_case, many_small_ones_are_coalesced) {
  record& seen = handler();
  std::string all;
  seen.when_open = [&](connection& peer) {
    for (int i = 0; i < 5'000; ++i) {
      const std::string one = std::to_string(i) + ";";
      EXPECT_EQ(peer.send_copy(as_bytes(one)), send_status::accepted);
      all += one;
    }
    peer.close();
  };
  auto& at = listen(seen);
  const auto before = on().counters().backend.submissions;
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, all);
  EXPECT_LT(on().counters().backend.submissions - before, 100U) << "one send for each piece";
}

TEST_P(sending_case, buffers_and_copies_keep_their_order) {
  record& seen = handler();
  std::string all;
  seen.when_open = [&](connection& peer) {
    std::minstd_rand chance(7);
    for (int i = 0; i < 400; ++i) {
      const std::string one =
          std::to_string(i) + std::string(chance() % 2'000, static_cast<char>('a' + i % 26));
      if (chance() % 2 == 0)
        EXPECT_EQ(peer.send(filled(peer, one)), send_status::accepted);
      else
        EXPECT_EQ(peer.send_copy(as_bytes(one)), send_status::accepted);
      all += one;
    }
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, all);
}

TEST_P(sending_case, order_holds_across_turns_and_a_slow_reader) {
  record& seen = handler();
  const auto block = pattern(10'000);
  std::string all;
  int left = 100;
  const auto some = [&](connection& peer) {
    for (int i = 0; i < 3 && left > 0 && peer.can_send(); ++i, --left) {
      const std::string one = std::to_string(left) + block;
      if (left % 2 == 0)
        EXPECT_EQ(peer.send(filled(peer, one)), send_status::accepted);
      else
        EXPECT_EQ(peer.send_copy(as_bytes(one)), send_status::accepted);
      all += one;
    }
  };
  seen.when_open = some;
  seen.when_received = [&](connection& peer, message&) { some(peer); };
  listener_options options;
  options.connection.send_buffer_bytes = 8192;
  options.connection.send_high_water_bytes = 16 << 20;
  auto& at = listen(seen, options);
  script talk{small_window()};
  for (int i = 0; i < 40; ++i) talk.push_back(send("more"));
  talk.insert(talk.end(), {half_close(), receive_slowly(60'000, 1ms)});
  auto peer = host().dial(at.local(), talk);
  const auto told = finish(*peer);
  EXPECT_TRUE(told.received == all);
  EXPECT_GT(all.size(), 30'000U);
}

TEST_P(sending_case, nothing_is_accepted_and_sends_nothing) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    EXPECT_EQ(peer.send_copy({}), send_status::accepted);
    buffer empty = peer.acquire();
    empty.resize(0);
    EXPECT_EQ(peer.send(std::move(empty)), send_status::accepted);
    // NOLINTNEXTLINE(bugprone-use-after-move): asked on purpose
    EXPECT_FALSE(empty) << "an accepted buffer is still the caller's";
    EXPECT_EQ(peer.send_copy(as_bytes("x")), send_status::accepted);
    EXPECT_EQ(peer.queued_bytes(), 1U);
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  EXPECT_EQ(finish(*peer).received, "x");
}

TEST_P(sending_case, of_a_buffer_only_the_window_goes) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    buffer made = filled(peer, "head|body|tail");
    made.remove_prefix(5);
    made.resize(4);
    peer.send(std::move(made));
    peer.close();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  EXPECT_EQ(finish(*peer).received, "body");
}

TEST_P(sending_case, what_was_received_is_sent_on_without_a_copy) {
  record& seen = handler();
  echo(seen);
  auto& at = listen(seen);
  const auto before = on().counters().bytes_copied;
  auto peer = host().dial(at.local(), {send(pattern(50'000)), receive(50'000)});
  EXPECT_EQ(finish(*peer).received, pattern(50'000));
  EXPECT_EQ(on().counters().bytes_copied, before);
}

TEST_P(sending_case, copies_are_counted) {
  record& seen = handler();
  seen.when_open = [](connection& peer) { peer.send_copy(as_bytes("twelve bytes")); };
  auto& at = listen(seen);
  const auto before = on().counters().bytes_copied;
  auto peer = host().dial(at.local(), {receive(12)});
  finish(*peer);
  EXPECT_EQ(on().counters().bytes_copied - before, 12U);
}

TEST_P(sending_case, queued_bytes_go_before_the_end) {
  record& seen = handler();
  const auto bytes = pattern(1'000'000);
  seen.when_open = [&](connection& peer) {
    peer.send_copy(as_bytes(bytes));
    peer.close();
  };
  listener_options options;
  options.connection.send_buffer_bytes = 16 * 1024;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {small_window(), wait(30ms), receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.received == bytes);
  EXPECT_TRUE(told.saw_end);
}

TEST_P(sending_case, sends_from_a_posted_call_and_from_a_timer_leave_by_themselves) {
  record& seen = handler();
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive(6)});
  turn_until([&] { return seen.opens == 1; });
  EXPECT_EQ(seen.last.post([](connection& to) noexcept { to.send_copy(as_bytes("one")); }),
            post_status::accepted);
  struct later : timer {
    explicit later(connection_handle made) : timer(&later::fired), to(made) {}
    static void fired(timer& due) noexcept {
      EXPECT_EQ(static_cast<later&>(due).to.post(
                    [](connection& open) noexcept { open.send_copy(as_bytes("two")); }),
                post_status::accepted);
    }
    connection_handle to;
  } alarm(seen.last);
  on().internals().timers().arm(alarm, present() + 20ms);
  EXPECT_EQ(finish(*peer).received, "onetwo");
}

TEST_P(sending_case, a_peer_that_is_gone_is_an_error_and_no_signal) {
  record& seen = handler();
  const auto more = [](connection& peer) { peer.send_copy(as_bytes(pattern(10'000))); };
  seen.when_received = [&](connection& peer, message&) { more(peer); };
  seen.when_ended = more;
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {send("x"), close()});
  turn_until([&] { return seen.opens == 1; });
  finish(*peer);
  turn_until([&] {
    if (seen.closes == 0) act(seen.last, more);
    return seen.closes == 1;
  });
  EXPECT_EQ(seen.why, condition::disconnected);
}

TEST_P(sending_case, after_half_close_it_says_closed) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.half_close();
    EXPECT_FALSE(peer.can_send());
    buffer mine = filled(peer, "late");
    EXPECT_EQ(peer.send(std::move(mine)), send_status::closed);
    // NOLINTNEXTLINE(bugprone-use-after-move): asked on purpose
    EXPECT_TRUE(mine) << "the buffer was taken";
    EXPECT_EQ(peer.send_copy(as_bytes("late")), send_status::closed);
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, "");
  EXPECT_TRUE(told.saw_end);
}

TEST_P(sending_case, after_close_and_abort_it_says_closed) {
  record& seen = handler();
  seen.when_open = [&](connection& peer) {
    if (seen.opens == 1)
      peer.close();
    else
      peer.abort();
    EXPECT_EQ(peer.send_copy(as_bytes("late")), send_status::closed);
    EXPECT_EQ(peer.send(peer.acquire()), send_status::closed);
  };
  auto& at = listen(seen);
  for (int i = 1; i <= 2; ++i) {
    auto peer = host().dial(at.local(), {receive_to_end()});
    EXPECT_EQ(finish(*peer).received, "");
    turn_until([&] { return seen.closes == i; });
  }
}

TEST_P(sending_case, to_many_at_once) {
  record& seen = handler();
  const auto bytes = pattern(20'000);
  seen.when_open = [&](connection& peer) {
    peer.send_copy(as_bytes(bytes));
    peer.close();
  };
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 60, {receive_to_end()});
  const auto told = finish(*crowd);
  EXPECT_EQ(told.ends, 60U);
  std::string all;
  for (int i = 0; i < 60; ++i) all += bytes;
  EXPECT_TRUE(told.received == all);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, sending_case, testing::ValuesIn(variants_of_all_families()),
                         name_of);

}  // namespace myra::conformance
