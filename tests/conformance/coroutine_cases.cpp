// The coroutine form: deadlines and cancellation after which nothing is lost, back-pressure, and
// ends.
#include "fixture.hpp"
#include "myra/reactor/task_scope.hpp"
#include "myra/transport/async.hpp"
#include "receive_pool.hpp"

namespace myra::conformance {
namespace {

class coroutine_case : public conformance_test {};

task<void> echo_all(connection peer) {
  while (auto bytes = co_await peer.receive()) {
    auto sent = co_await peer.send(std::move(*bytes));
    if (!sent) break;
  }
}

TEST_P(coroutine_case, echo) {
  auto& at = open_listener();
  at.serve(echo_all);
  const auto bytes = pattern(300'000);
  auto peer = host().dial(at.local(), {send("a"), receive(1), send_in_pieces(bytes, 10'000),
                                       half_close(), receive_to_end()});
  const auto told = finish(*peer);
  EXPECT_TRUE(told.received == "a" + bytes);
  EXPECT_TRUE(told.saw_end);
}

task<std::string> all_of(connection& peer, std::error_code& why) {
  std::string got;
  for (;;) {
    auto bytes = co_await peer.receive();
    if (!bytes) {
      why = bytes.error();
      co_return got;
    }
    got += as_text(bytes->bytes());
  }
}

TEST_P(coroutine_case, the_end_of_the_stream_is_told_apart_from_a_reset) {
  for (const bool hard : {false, true}) {
    endpoint at;
    auto peer = host().answer(near(), {send("bytes"), wait(30ms), hard ? reset() : close()}, at);
    connection open = dial(at);
    std::error_code why;
    EXPECT_EQ(run(on(), all_of(open, why)), "bytes");
    if (hard)
      EXPECT_EQ(why.value(), ECONNRESET);
    else
      EXPECT_EQ(why, transport_errc::end_of_stream);
    EXPECT_EQ(why, condition::disconnected);
    finish(*peer);
  }
}

task<std::error_code> receive_within(connection& peer, duration deadline) {
  auto bytes = co_await peer.receive({.deadline = deadline});
  if (bytes) co_return std::error_code();
  co_return bytes.error();
}

TEST_P(coroutine_case, a_receive_deadline_and_nothing_is_lost_after_it) {
  endpoint at;
  auto peer = host().answer(
      near(), {wait(patient(120ms)), send("late"), half_close(), receive_to_end()}, at);
  connection open = dial(at);
  const auto began = present();
  EXPECT_EQ(run(on(), receive_within(open, 40ms)), transport_errc::receive_timeout);
  EXPECT_GE(present() - began, 40ms);
  EXPECT_LT(present() - began, 40ms + slack());
  std::error_code why;
  EXPECT_EQ(run(on(), all_of(open, why)), "late");
  EXPECT_EQ(why, transport_errc::end_of_stream);
  open.close();
  finish(*peer);
}

TEST_P(coroutine_case, many_deadlines_in_a_row_lose_nothing) {
  endpoint at;
  const auto bytes = pattern(300);
  auto peer =
      host().answer(near(), {send_in_pieces(bytes, 10, 3ms), half_close(), receive_to_end()}, at);
  connection open = dial(at);
  auto body = [](connection& from, int& missed) -> task<std::string> {
    std::string got;
    for (;;) {
      auto piece = co_await from.receive({.deadline = 1ms});
      if (piece)
        got += as_text(piece->bytes());
      else if (piece.error() == condition::timed_out)
        ++missed;
      else
        co_return got;
    }
  };
  int missed = 0;
  EXPECT_EQ(run(on(), body(open, missed)), bytes);
  EXPECT_GT(missed, 0);
  open.close();
  finish(*peer);
}

task<void> keep_receiving(connection& peer, std::string& got, std::error_code& why) {
  got += co_await all_of(peer, why);
}

TEST_P(coroutine_case, a_cancelled_receive_may_be_called_again) {
  endpoint at;
  auto peer =
      host().answer(near(), {wait(40ms), send("after"), half_close(), receive_to_end()}, at);
  connection open = dial(at);
  auto body = [](reactor& runs, connection& from, std::error_code& first) -> task<void> {
    std::string got;
    task_scope children(runs);
    children.spawn(keep_receiving(from, got, first));
    co_await sleep_for(runs, 5ms);
    children.cancel();
    co_await children.join();
    EXPECT_EQ(got, "");
  };
  std::error_code first;
  run(on(), body(on(), open, first));
  EXPECT_EQ(first, condition::cancelled);
  std::error_code why;
  EXPECT_EQ(run(on(), all_of(open, why)), "after");
  open.close();
  finish(*peer);
}

task<std::size_t> size_of_next(connection& peer) {
  auto bytes = co_await peer.receive({.deadline = 5s});
  co_return bytes ? bytes->size() : 0;
}

TEST_P(coroutine_case, one_that_does_not_receive_stops_the_peer_at_the_high_water_mark) {
  auto few = this->options();
  few.receive_buffer_count = 8;
  open_reactor(few);
  endpoint at;
  const auto bytes = pattern(6'000'000);
  auto peer = host().answer(near(), {send(bytes), half_close(), receive_to_end()}, at);
  connect_options options;
  options.connection.receive_buffer_bytes = 16 * 1024;
  options.connection.receive_high_water_bytes = 64 * 1024;
  options.connection.receive_low_water_bytes = 16 * 1024;
  connection open = dial(at, options);
  const std::size_t taken = run(on(), size_of_next(open));
  ASSERT_GT(taken, 0U);
  turn_for(100ms);
  EXPECT_FALSE(peer->done());
  // What was on its way when the mark was reached still comes: one ring's worth of slots at most.
  // An area has no such ring, and a turn's share comes. With submission polling it is what comes
  // until the kernel's thread sees that the receive is cancelled.
  const std::uint64_t stopped_at = open.counters().bytes_received;
  if (GetParam().options.ring.submission_polling.on) {
    turn_for(100ms);
    EXPECT_EQ(open.counters().bytes_received, stopped_at);
  } else {
    const auto ring_bytes = few.receive_buffer_count * few.pool.slot_size_bytes;
    const auto late_bytes =
        GetParam().receives_into_area() ? options.connection.receive_turn_bytes : ring_bytes;
    EXPECT_LE(stopped_at - taken, 64U * 1024 + late_bytes);
  }
  std::error_code why;
  const auto rest = run(on(), all_of(open, why));
  EXPECT_EQ(open.counters().bytes_received, bytes.size());
  EXPECT_EQ(bytes.substr(bytes.size() - rest.size()), rest);
  open.close();
  finish(*peer);
}

TEST_P(coroutine_case, one_that_does_not_receive_is_not_filled_up_byte_by_byte) {
  if (GetParam().sockets > family::ipv6) GTEST_SKIP() << "only TCP is told to send each byte";
  endpoint at;
  const auto bytes = pattern(400);
  auto peer =
      host().answer(near(), {send_in_pieces(bytes, 1, 1ms), half_close(), receive_to_end()}, at);
  connect_options options;
  options.connection.receive_high_water_buffers = 8;
  connection open = dial(at, options);
  const std::size_t taken = run(on(), size_of_next(open));
  ASSERT_GT(taken, 0U);
  std::uint32_t most = 0;
  const auto end = present() + patient(700ms);
  while (present() < end) {
    ASSERT_TRUE(on().run_once(2ms));
    most = std::max(most, receive_pool(on()).application_count());
  }
  // What came in the turn in which the mark was reached is taken as well.
  EXPECT_GE(most, 8U);
  EXPECT_LE(most, 16U);
  std::error_code why;
  const auto rest = run(on(), all_of(open, why));
  EXPECT_EQ(bytes.substr(taken), rest);
  open.close();
  finish(*peer);
}

task<std::error_code> send_much(connection& peer, std::size_t count, std::string_view block) {
  for (std::size_t i = 0; i < count; ++i) {
    auto sent = co_await peer.send_copy(as_bytes(block));
    if (!sent) co_return sent.error();
  }
  co_return std::error_code();
}

TEST_P(coroutine_case, sending_waits_for_room) {
  endpoint at;
  auto peer = host().answer(near(), {small_window(), wait(20ms), receive_to_end()}, at);
  connect_options options;
  options.connection.send_buffer_bytes = 8192;
  options.connection.send_high_water_bytes = 64 * 1024;
  options.connection.send_low_water_bytes = 16 * 1024;
  connection open = dial(at, options);
  const auto block = pattern(10'000);
  EXPECT_FALSE(run(on(), send_much(open, 100, block)));
  EXPECT_LE(open.queued_bytes(), 80'000U);
  open.close();
  const auto told = finish(*peer);
  ASSERT_EQ(told.received.size(), 1'000'000U);
  for (std::size_t i = 0; i < 100; ++i)
    ASSERT_EQ(told.received.compare(i * 10'000, 10'000, block), 0);
}

TEST_P(coroutine_case, sending_to_one_that_is_gone_ends_with_an_error) {
  endpoint at;
  auto peer = host().answer(near(), {wait(30ms), reset()}, at);
  connection open = dial(at);
  finish(*peer);
  EXPECT_EQ(run(on(), send_much(open, 10'000, pattern(10'000))), condition::disconnected);
}

TEST_P(coroutine_case, a_send_that_waits_ends_with_its_connection) {
  endpoint at;
  auto peer = host().answer(near(), {small_window(), wait(60ms), reset()}, at);
  connection open = dial(at);
  EXPECT_EQ(run(on(), send_much(open, 10'000, pattern(100'000))), condition::disconnected);
  finish(*peer);
}

TEST_P(coroutine_case, after_half_close_a_send_says_closed) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  connection open = dial(at);
  open.half_close();
  EXPECT_EQ(run(on(), send_much(open, 1, "x")), transport_errc::closed);
  EXPECT_TRUE(finish(*peer).saw_end);
}

task<std::error_code> connected(reactor& runs, endpoint to, connect_options options) {
  auto made = co_await connect(runs, to, options);
  if (!made) co_return made.error();
  co_return std::error_code();
}

TEST_P(coroutine_case, connecting_gives_a_connection_or_the_reason) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  EXPECT_FALSE(run(on(), connected(on(), at, {})));
  EXPECT_TRUE(finish(*peer).saw_end);
  EXPECT_EQ(run(on(), connected(on(), host().refusing(near()), {})), condition::refused);
  connect_options hasty;
  hasty.deadline = 30ms;
  EXPECT_EQ(run(on(), connected(on(), host().silent(near()), hasty)),
            transport_errc::connect_timeout);
}

task<void> note_connect(reactor& runs, endpoint to, std::error_code& why) {
  why = co_await connected(runs, to, {});
}

TEST_P(coroutine_case, a_scope_cancels_a_connect) {
  auto body = [](reactor& runs, endpoint to) -> task<std::error_code> {
    std::error_code why;
    task_scope children(runs);
    children.spawn(note_connect(runs, to, why));
    co_await sleep_for(runs, 5ms);
    children.cancel();
    co_await children.join();
    co_return why;
  };
  EXPECT_EQ(run(on(), body(on(), host().silent(near()))), condition::cancelled);
}

task<void> sleeper(reactor& runs, duration time, std::vector<int>& order, int which) {
  auto slept = co_await sleep_for(runs, time);
  if (slept) order.push_back(which);
}

TEST_P(coroutine_case, sleeping) {
  // A slow machine may stand still between two of them for longer than they differ.
  auto body = [](reactor& runs) -> task<std::vector<int>> {
    std::vector<int> order;
    task_scope children(runs);
    children.spawn(sleeper(runs, patient(30ms), order, 3));
    children.spawn(sleeper(runs, patient(10ms), order, 1));
    children.spawn(sleeper(runs, patient(20ms), order, 2));
    co_await children.join();
    co_return order;
  };
  const auto began = present();
  EXPECT_EQ(run(on(), body(on())), (std::vector{1, 2, 3}));
  EXPECT_GE(present() - began, 30ms);
}

TEST_P(coroutine_case, two_of_one_connection_send_and_receive_at_once) {
  record& server = handler();
  echo(server);
  listener_options options;
  options.connection.send_high_water_bytes = 32 << 20;
  auto& at = listen(server, options);
  connection open = dial(at.local());
  auto sender = [](connection& to, std::string_view block) -> task<void> {
    const auto failed = co_await send_much(to, 50, block);
    EXPECT_FALSE(failed);
    to.half_close();
  };
  auto body = [](reactor& runs, connection& peer, task<void> sends) -> task<std::string> {
    std::error_code why;
    task_scope children(runs);
    children.spawn(std::move(sends));
    auto got = co_await all_of(peer, why);
    co_await children.join();
    co_return got;
  };
  const auto block = pattern(20'000);
  const auto got = run(on(), body(on(), open, sender(open, block)));
  ASSERT_EQ(got.size(), 50 * block.size());
  for (std::size_t i = 0; i < 50; ++i)
    ASSERT_EQ(got.compare(i * block.size(), block.size(), block), 0);
}

task<void> waits_for_bytes(connection peer, std::error_code& why, int& ended) {
  auto bytes = co_await peer.receive();
  if (!bytes) why = bytes.error();
  ++ended;
}

TEST_P(coroutine_case, a_drain_ends_a_receive_as_the_peers_end_would) {
  auto& at = open_listener();
  std::error_code why;
  int ended = 0;
  at.serve(connection_coroutine(
      [&](connection peer) { return waits_for_bytes(std::move(peer), why, ended); }));
  auto crowd = host().dial_many(at.local(), 10, {receive_to_end()});
  turn_until([&] { return at.connection_count() == 10; });
  EXPECT_TRUE(on().drain(patient(5s)));
  EXPECT_EQ(ended, 10);
  EXPECT_EQ(why, transport_errc::end_of_stream);
  EXPECT_EQ(crowd->finish().ends, 10U);
}

TEST_P(coroutine_case, a_destroyed_reactor_ends_every_wait) {
  auto& at = open_listener();
  std::error_code why;
  int ended = 0;
  at.serve(connection_coroutine(
      [&](connection peer) { return waits_for_bytes(std::move(peer), why, ended); }));
  auto crowd = host().dial_many(at.local(), 10, {receive_to_end()});
  turn_until([&] { return at.connection_count() == 10; });
  destroy_reactor();
  EXPECT_EQ(ended, 10);
  EXPECT_TRUE(why);
  const auto told = crowd->finish();
  EXPECT_EQ(told.ends + told.resets, 10U);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, coroutine_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
