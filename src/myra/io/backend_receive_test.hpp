// Receiving, on every backend.
#pragma once

#include "myra/io/backend_fixture_test.hpp"

namespace myra::io {

using recorded_receive = recorded<receive_operation>;

/// Arms a multishot receive again when it ended before the stream did: for want of a buffer, or
/// because it had its share of a turn.
inline void arm_again(backend& engine, recorded_receive& receive) {
  receive.then = [&, before = std::move(receive.then)] {
    if (before) before();
    if (receive.idle() && (receive.last() == -ENOBUFS || receive.last() > 0))
      engine.submit(receive);
  };
}

TEST_P(backend_test, one_shot_receive_completes_once_with_what_came) {
  auto [socket, other] = unix_pair();
  recorded_receive receive(socket);
  receive.multishot = false;
  submit(receive);
  idle_turns();
  EXPECT_TRUE(receive.outcomes.empty());
  other.send("hello");
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.last(), 5);
  EXPECT_FALSE(receive.outcomes[0].more);
  EXPECT_EQ(receive.bytes, "hello");
  other.send("again");
  idle_turns();
  EXPECT_EQ(receive.outcomes.size(), 1U);
  EXPECT_EQ(run(receive), 5);
  EXPECT_EQ(receive.bytes, "helloagain");
}

TEST_P(backend_test, multishot_receive_stays_armed) {
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  submit(receive);
  std::string sent;
  for (int i = 0; i < 100; ++i) {
    const std::string text = "message " + std::to_string(i);
    other.send(text);
    sent += text;
    ASSERT_TRUE(until([&] { return receive.bytes == sent; }));
    ASSERT_TRUE(receive.outcomes.back().more);
  }
  stop(receive);
  EXPECT_EQ(receive.last(), -ECANCELED);
  EXPECT_FALSE(receive.outcomes.back().more);
}

TEST_P(backend_test, receive_without_poll_first_takes_what_is_there) {
  auto [socket, other] = unix_pair();
  other.send("already");
  recorded_receive receive(socket);
  receive.poll_first = false;
  submit(receive);
  ASSERT_TRUE(until([&] { return receive.bytes == "already"; }));
  other.send(" later");
  ASSERT_TRUE(until([&] { return receive.bytes == "already later"; }));
  stop(receive);
}

TEST_P(backend_test, receive_without_poll_first_waits_when_nothing_is_there) {
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  receive.poll_first = false;
  receive.multishot = false;
  submit(receive);
  idle_turns();
  EXPECT_TRUE(receive.outcomes.empty());
  other.send("x");
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.bytes, "x");
}

TEST_P(backend_test, more_than_a_slot_arrives_whole_and_in_order) {
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  arm_again(*engine, receive);
  submit(receive);
  const std::string sent = pattern(50 * slot_size + 17);
  other.send(sent);
  ASSERT_TRUE(until([&] { return receive.bytes.size() == sent.size(); }));
  EXPECT_EQ(receive.bytes, sent);
  for (const outcome& each : receive.outcomes) EXPECT_LE(each.result, int{slot_size});
  stop(receive);
}

TEST_P(backend_test, more_to_read_is_told) {
  auto [socket, other] = tcp_pair();
  other.send(pattern(slot_size + 100));
  await_bytes(socket, slot_size + 100);
  recorded_receive receive(socket);
  receive.multishot = false;
  EXPECT_EQ(run(receive), int{slot_size});
  EXPECT_TRUE(receive.outcomes[0].more_to_read);
  receive.poll_first = false;
  EXPECT_EQ(run(receive), 100);
  EXPECT_FALSE(receive.outcomes[1].more_to_read);
}

TEST_P(backend_test, more_to_read_is_told_of_unix_sockets) {
  auto [socket, other] = unix_pair();
  other.send(pattern(slot_size + 100));
  await_bytes(socket, slot_size + 100);
  recorded_receive receive(socket);
  receive.multishot = false;
  EXPECT_EQ(run(receive), int{slot_size});
  EXPECT_TRUE(receive.outcomes[0].more_to_read);
}

TEST_P(backend_test, bytes_left_by_a_one_shot_receive_come_with_the_next) {
  auto [socket, other] = unix_pair();
  const std::string sent = pattern(3 * slot_size);
  other.send(sent);
  await_bytes(socket, sent.size());
  recorded_receive receive(socket);
  receive.multishot = false;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(run(receive), int{slot_size});
  EXPECT_EQ(receive.bytes, sent);
  submit(receive);
  idle_turns();
  EXPECT_FALSE(receive.idle());
  stop(receive);
}

TEST_P(backend_test, one_byte_at_a_time) {
  auto [socket, other] = tcp_pair();
  const int yes = 1;
  ::setsockopt(other.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  recorded_receive receive(socket);
  submit(receive);
  const std::string sent = pattern(300);
  for (char byte : sent) {
    other.send({&byte, 1});
    turn(1ms);
  }
  ASSERT_TRUE(until([&] { return receive.bytes.size() == sent.size(); }));
  EXPECT_EQ(receive.bytes, sent);
  stop(receive);
}

TEST_P(backend_test, end_of_stream_is_a_result_of_0) {
  for (bool multishot : {false, true}) {
    auto [socket, other] = tcp_pair();
    recorded_receive receive(socket);
    receive.multishot = multishot;
    submit(receive);
    idle_turns();
    other.close();
    ASSERT_TRUE(until([&] { return receive.ended(); }));
    EXPECT_EQ(receive.outcomes.size(), 1U);
    EXPECT_EQ(receive.last(), 0);
    EXPECT_FALSE(receive.outcomes[0].more);
    EXPECT_EQ(run(receive), 0);
  }
}

TEST_P(backend_test, bytes_come_before_the_end_of_stream) {
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  submit(receive);
  other.send("last words");
  other.close();
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.bytes, "last words");
  EXPECT_EQ(receive.last(), 0);
}

TEST_P(backend_test, end_of_stream_is_found_by_a_later_one_shot) {
  auto [socket, other] = unix_pair();
  other.send("text");
  ::shutdown(other.get(), SHUT_WR);
  await_hang_up(socket);
  recorded_receive receive(socket);
  receive.multishot = false;
  EXPECT_EQ(run(receive), 4);
  EXPECT_EQ(run(receive), 0);
}

TEST_P(backend_test, reset_is_an_error) {
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  submit(receive);
  idle_turns();
  other.reset();
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.last(), -ECONNRESET);
  EXPECT_FALSE(receive.outcomes.back().more);
}

TEST_P(backend_test, bytes_and_a_reset_that_are_there_before_the_receive_are_both_told) {
  for (const bool poll_first : {true, false}) {
    auto [socket, other] = tcp_pair();
    other.send("last words");
    other.reset();
    await_hang_up(socket);
    recorded_receive receive(socket);
    receive.poll_first = poll_first;
    submit(receive);
    ASSERT_TRUE(until([&] { return receive.ended(); }));
    EXPECT_EQ(receive.bytes, "last words");
    EXPECT_EQ(receive.last(), -ECONNRESET);
  }
}

TEST_P(backend_test, bytes_and_a_reset_that_come_before_a_turn_are_both_told) {
  if (const std::string why = GetParam().sleeps_over_resets(); !why.empty()) GTEST_SKIP() << why;
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  submit(receive);
  idle_turns();
  other.send("last words");
  other.reset();
  await_hang_up(socket);
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.bytes, "last words");
  EXPECT_EQ(receive.last(), -ECONNRESET);
}

TEST_P(backend_test, urgent_data_does_not_stop_the_stream) {
  if (GetParam().submission_polling)
    GTEST_SKIP()
        << "with submission polling the kernel (seen on 6.18) brings what follows an urgent "
           "byte only when more comes";
  auto [socket, other] = tcp_pair();
  other.send("before");
  ASSERT_EQ(::send(other.get(), "!", 1, MSG_OOB), 1);
  other.send("after");
  recorded_receive receive(socket);
  submit(receive);
  ASSERT_TRUE(until([&] { return receive.bytes.starts_with("before"); }));
  // While io_uring clears up a ring that this thread closed (that of the case before), a signal is
  // pending, with which Linux gives up at the urgent mark; the next segment has it go on.
  other.send("more");
  ASSERT_TRUE(until([&] { return receive.bytes == "beforeaftermore"; })) << receive.bytes;
  stop(receive);
}

TEST_P(backend_test, without_a_buffer_receive_says_so_and_loses_nothing) {
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  receive.keep_buffers = true;
  submit(receive);
  const std::string sent = pattern(2 * slot_count * slot_size);
  std::size_t given = 0;
  const auto feed = [&] {
    while (given < sent.size()) {
      const ssize_t size =
          ::send(other.get(), sent.data() + given, sent.size() - given, MSG_DONTWAIT);
      if (size <= 0) break;
      given += static_cast<std::size_t>(size);
    }
  };
  int no_buffer = 0;
  for (int i = 0; i < 200000 && receive.bytes.size() < sent.size(); ++i) {
    feed();
    turn(1ms);
    if (!receive.idle()) continue;
    ASSERT_FALSE(receive.outcomes.back().more);
    if (receive.last() > 0) {  // a bundle took the last ones
      submit(receive);
      continue;
    }
    ASSERT_EQ(receive.last(), -ENOBUFS);
    std::size_t held = 0;
    for (const buffer& each : receive.kept) held += each.size();
    ASSERT_LE(held, std::size_t{slot_count} * slot_size);
    ++no_buffer;
    receive.kept.clear();
    submit(receive);
  }
  EXPECT_GE(no_buffer, 1);
  EXPECT_EQ(receive.bytes, sent);
  EXPECT_EQ(engine->counters().no_buffer, static_cast<std::uint64_t>(no_buffer));
  stop(receive);
  receive.kept.clear();
}

TEST_P(backend_test, a_waiting_receive_needs_no_buffer) {
  auto [socket, other] = tcp_pair();
  std::vector<buffer> taken;
  while (buffer one = pool->acquire()) taken.push_back(std::move(one));
  recorded_receive receive(socket);
  submit(receive);
  idle_turns();
  EXPECT_FALSE(receive.idle());
  taken.clear();
  other.send("now");
  ASSERT_TRUE(until([&] { return receive.bytes == "now"; }));
  stop(receive);
}

TEST_P(backend_test, cancelled_receive_completes_once_and_loses_nothing) {
  auto [socket, other] = tcp_pair();
  for (bool multishot : {false, true}) {
    recorded_receive receive(socket);
    receive.multishot = multishot;
    submit(receive);
    idle_turns();
    engine->cancel(receive);
    engine->cancel(receive);
    ASSERT_TRUE(until([&] { return receive.idle(); }));
    idle_turns();
    EXPECT_EQ(receive.outcomes.size(), 1U);
    EXPECT_EQ(receive.last(), -ECANCELED);
    engine->cancel(receive);  // nothing to an idle one
    idle_turns();
    EXPECT_EQ(receive.outcomes.size(), 1U);
  }
  other.send("kept");
  recorded_receive next(socket);
  next.multishot = false;
  EXPECT_EQ(run(next), 4);
  EXPECT_EQ(next.bytes, "kept");
}

TEST_P(backend_test, receive_cancelled_before_its_turn_completes_once) {
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  submit(receive);
  engine->cancel(receive);
  EXPECT_TRUE(receive.outcomes.empty());
  ASSERT_TRUE(until([&] { return receive.idle(); }));
  EXPECT_EQ(receive.outcomes.size(), 1U);
  EXPECT_EQ(receive.last(), -ECANCELED);
}

TEST_P(backend_test, an_operation_that_cannot_begin_is_cancelled_by_anothers_handler) {
  auto [socket, other] = unix_pair();
  recorded<shutdown_operation> first(socket);
  recorded_receive hopeless(-1);
  first.then = [&] { engine->cancel(hopeless); };
  submit(first);
  submit(hopeless);
  ASSERT_TRUE(until([&] { return first.idle() && hopeless.idle(); }));
  EXPECT_EQ(hopeless.outcomes.size(), 1U);
  EXPECT_EQ(hopeless.last(), -EBADF);
}

TEST_P(backend_test, multishot_receive_cancelled_by_its_handler) {
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  receive.then = [&] { engine->cancel(receive); };
  const std::string sent = pattern(60 * slot_size);
  submit(receive);
  other.send(sent);
  ASSERT_TRUE(until([&] { return receive.idle(); }));
  EXPECT_FALSE(receive.outcomes.back().more);
  // The rest is still there for the next one.
  recorded_receive rest(socket);
  arm_again(*engine, rest);
  submit(rest);
  ASSERT_TRUE(until([&] { return receive.bytes.size() + rest.bytes.size() == sent.size(); }));
  EXPECT_EQ(receive.bytes + rest.bytes, sent);
  stop(rest);
}

TEST_P(backend_test, receive_resubmitted_by_its_handler) {
  auto [socket, other] = unix_pair();
  recorded_receive receive(socket);
  receive.multishot = false;
  receive.then = [&] {
    if (receive.last() > 0) submit(receive);
  };
  submit(receive);
  std::string sent;
  for (int i = 0; i < 20; ++i) {
    sent += std::to_string(i);
    other.send(std::to_string(i));
    ASSERT_TRUE(until([&] { return receive.bytes == sent; }));
  }
  other.close();
  ASSERT_TRUE(until([&] { return receive.idle(); }));
  EXPECT_EQ(receive.last(), 0);
}

TEST_P(backend_test, a_flooded_connection_does_not_hold_up_another) {
  auto [flooded, flooder] = tcp_pair();
  auto [quiet, other] = tcp_pair();
  std::string order;
  recorded_receive flood(flooded);
  recorded_receive small(quiet);
  flood.then = [&] { order += 'f'; };
  small.then = [&] { order += 's'; };
  arm_again(*engine, flood);
  arm_again(*engine, small);
  flood.turn_bytes_max = 32 * slot_size;
  submit(flood);
  submit(small);
  turn(1ms);
  const std::string sent = pattern(100 * slot_size);
  flooder.send(sent);
  other.send("x");
  ASSERT_TRUE(until([&] { return flood.bytes.size() == sent.size() && !small.bytes.empty(); }));
  EXPECT_LE(order.find('s'), 70U) << order;
  stop(flood);
  stop(small);
}

TEST_P(backend_test, no_more_than_its_share_comes_in_one_turn) {
  if (!GetParam().counts_turn_bytes) GTEST_SKIP() << "the kernel is not asked to count, or cannot";
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  receive.turn_bytes_max = 3 * slot_size - 17;
  const std::string sent = pattern(12 * slot_size);
  other.send(sent);
  await_bytes(socket, sent.size());
  for (int i = 0; i < 1000 && receive.bytes.size() < sent.size(); ++i) {
    if (receive.idle()) submit(receive);
    const std::size_t before = receive.bytes.size();
    turn(1ms);
    ASSERT_LE(receive.bytes.size() - before, std::size_t{3 * slot_size}) << "whole buffers";
  }
  EXPECT_EQ(receive.bytes, sent);
  stop(receive);
}

TEST_P(backend_test, parts_that_are_kept_stay_as_they_came) {
  auto [first, first_peer] = tcp_pair();
  auto [second, second_peer] = tcp_pair();
  recorded_receive one(first);
  recorded_receive two(second);
  one.keep_buffers = two.keep_buffers = true;
  submit(one);
  submit(two);
  std::string of_one;
  std::string of_two;
  for (std::size_t i = 0; i < slot_count / 4; ++i) {
    const std::string text = std::to_string(i);
    first_peer.send(text + "a");
    second_peer.send(text + "b");
    of_one += text + "a";
    of_two += text + "b";
    ASSERT_TRUE(until([&] { return one.bytes == of_one && two.bytes == of_two; }));
  }
  const auto joined = [](const std::vector<buffer>& kept) {
    std::string all;
    for (const buffer& each : kept) all += as_text(each.bytes());
    return all;
  };
  EXPECT_EQ(joined(one.kept), of_one);
  EXPECT_EQ(joined(two.kept), of_two);
  stop(one);
  stop(two);
}

TEST_P(backend_test, a_turns_share_of_one_byte_is_enough) {
  if (!GetParam().counts_turn_bytes) GTEST_SKIP() << "the kernel is not asked to count, or cannot";
  auto [socket, other] = tcp_pair();
  recorded_receive receive(socket);
  receive.turn_bytes_max = 1;
  arm_again(*engine, receive);
  submit(receive);
  other.send("bytes");
  ASSERT_TRUE(until([&] { return receive.bytes == "bytes"; }));
  other.send("more");
  ASSERT_TRUE(until([&] { return receive.bytes == "bytesmore"; }));
  stop(receive);
}

TEST_P(backend_test, receive_on_what_is_no_socket) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  for (bool poll_first : {false, true}) {
    recorded_receive receive(ends[0]);
    receive.poll_first = poll_first;
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    EXPECT_EQ(run(receive), -ENOTSOCK);
  }
  ::close(ends[0]);
  ::close(ends[1]);
  for (int descriptor : {ends[0], -1, 1 << 30}) {
    recorded_receive closed(descriptor);
    EXPECT_EQ(run(closed), -EBADF) << descriptor;
  }
}

}  // namespace myra::io
