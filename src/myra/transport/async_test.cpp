#include "myra/transport/async.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <thread>

#include "myra/reactor/task_scope.hpp"
#include "myra/transport/loopback_test.hpp"

namespace myra {
namespace {

using namespace loopback;

task<result<connection>> connected(reactor& on, endpoint to, connect_options options) {
  co_return co_await connect(on, to, options);
}

task<std::string> received_text(connection& peer) {
  auto bytes = co_await peer.receive();
  co_return bytes ? std::string(as_text(bytes->bytes())) : bytes.error().message();
}

task<std::error_code> receive_error(connection& peer, duration deadline) {
  const auto bytes = co_await peer.receive({.deadline = deadline});
  co_return bytes ? std::error_code() : bytes.error();
}

task<std::error_code> send_error(connection& peer, std::string text) {
  const auto taken = co_await peer.send_copy(as_bytes(text));
  co_return taken ? std::error_code() : taken.error();
}

/// Bytes that differ from position to position, so that a lost or doubled piece shows.
std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& each : text) {
    state = state * 1664525 + 1013904223;
    each = static_cast<char>(state >> 24);
  }
  return text;
}

class async : public on_backends {
 protected:
  void SetUp() override {
    on_backends::SetUp();
    if (IsSkipped()) return;
    on_.emplace(open());
  }
  void TearDown() override {
    raw_.close();
    on_.reset();
    listening_.reset();
    on_backends::TearDown();
  }

  connection connect_pair(connect_options options = {}) {
    options.connection.linger_timeout = 20ms;
    listening_ = std::make_unique<raw_listener>("127.0.0.1:0");
    auto peer = run(*on_, connected(*on_, listening_->address(), options));
    require(peer.has_value(), "connect");
    raw_ = listening_->accept();
    return std::move(*peer);
  }

  /// A queue that is full after a few kilobytes, here and in the kernel.
  static connect_options narrow() {
    connect_options options;
    options.connection.send_buffer_bytes = 16 * 1024;
    options.connection.send_high_water_bytes = 64 * 1024;
    options.connection.send_low_water_bytes = 16 * 1024;
    return options;
  }

  std::optional<reactor> on_;
  std::unique_ptr<raw_listener> listening_;
  raw_socket raw_;
};

TEST_P(async, receive_gives_bytes_and_then_the_end) {
  connection peer = connect_pair();
  raw_.send("hello");
  EXPECT_EQ(run(*on_, received_text(peer)), "hello");
  raw_.half_close();
  EXPECT_EQ(run(*on_, receive_error(peer, 0s)), transport_errc::end_of_stream);
  EXPECT_EQ(run(*on_, receive_error(peer, 0s)), transport_errc::end_of_stream);
}

TEST_P(async, receive_that_misses_its_deadline_loses_nothing) {
  connection peer = connect_pair();
  const auto began = clock::now();
  const auto missed = run(*on_, receive_error(peer, 20ms));
  EXPECT_GE(clock::now() - began, 20ms);
  EXPECT_EQ(missed, transport_errc::receive_timeout);
  EXPECT_EQ(missed, condition::timed_out);
  raw_.send("late");
  EXPECT_EQ(run(*on_, received_text(peer)), "late");
}

TEST_P(async, receive_tells_a_reset) {
  connection peer = connect_pair();
  raw_.reset();
  EXPECT_EQ(run(*on_, receive_error(peer, 0s)), condition::disconnected);
}

TEST_P(async, bytes_before_a_reset_are_given_first) {
  connection peer = connect_pair();
  raw_.send("last words");
  EXPECT_EQ(run(*on_, received_text(peer)), "last words");
  raw_.reset();
  const auto why = run(*on_, receive_error(peer, 0s));
  EXPECT_EQ(why, condition::disconnected);
  EXPECT_NE(why, transport_errc::end_of_stream);
}

TEST_P(async, what_has_come_is_received_without_a_wait) {
  connection peer = connect_pair();
  raw_.send("one");
  EXPECT_EQ(run(*on_, received_text(peer)), "one");
  raw_.send("two");
  raw_.half_close();
  turn_until(*on_, [&] { return peer.counters().bytes_received == 6; });
  const auto waits = on_->counters().backend.waits;
  EXPECT_EQ(run(*on_, received_text(peer)), "two");
  EXPECT_EQ(on_->counters().backend.waits, waits);
}

TEST_P(async, accepted_send_does_not_wait) {
  connection peer = connect_pair();
  const auto waits = on_->counters().backend.waits;
  EXPECT_FALSE(run(*on_, send_error(peer, "hello")));
  EXPECT_EQ(on_->counters().backend.waits, waits);
  turn_until(*on_, [&] { return peer.queued_bytes() == 0; });
  EXPECT_EQ(raw_.receive(), "hello");
}

task<std::error_code> send_pieces(connection& peer, std::string text, std::size_t piece_size,
                                  int& waits) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto piece = rest.substr(0, piece_size);
    const auto answer = peer.send_copy(as_bytes(piece));
    waits += answer == send_status::back_pressured;
    const auto taken = co_await answer;
    if (!taken) co_return taken.error();
    rest.remove_prefix(piece.size());
  }
  peer.half_close();
  co_return std::error_code();
}

TEST_P(async, back_pressured_copies_wait_and_go_out_in_order) {
  connection peer = connect_pair(narrow());
  const std::string sent = pattern(4 * 1024 * 1024);
  std::string got;
  std::thread reader([&] { got = raw_.receive_all(); });
  int waits = 0;
  EXPECT_FALSE(run(*on_, send_pieces(peer, sent, 10'000, waits)));
  turn_until(*on_, [&] { return peer.queued_bytes() == 0; });
  reader.join();
  EXPECT_GT(waits, 0);
  EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size() << " bytes";
}

task<std::error_code> send_buffers(connection& peer, std::string_view rest, int& waits) {
  while (!rest.empty()) {
    buffer piece = peer.acquire();
    piece.resize(static_cast<std::uint32_t>(std::min<std::size_t>(rest.size(), 10'000)));
    std::copy_n(as_bytes(rest).data(), piece.size(), piece.writable().data());
    rest.remove_prefix(piece.size());
    const auto answer = peer.send(std::move(piece));
    waits += answer == send_status::back_pressured;
    const auto taken = co_await answer;
    if (!taken) co_return taken.error();
  }
  peer.half_close();
  co_return std::error_code();
}

TEST_P(async, back_pressured_buffers_wait_and_go_out_in_order) {
  connection peer = connect_pair(narrow());
  const std::string sent = pattern(4 * 1024 * 1024);
  std::string got;
  std::thread reader([&] { got = raw_.receive_all(); });
  int waits = 0;
  EXPECT_FALSE(run(*on_, send_buffers(peer, sent, waits)));
  turn_until(*on_, [&] { return peer.queued_bytes() == 0; });
  reader.join();
  EXPECT_GT(waits, 0);
  EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size() << " bytes";
  EXPECT_EQ(on_->counters().bytes_copied, 0U);
}

TEST_P(async, send_tells_closed_after_our_own_end) {
  connection peer = connect_pair();
  peer.half_close();
  EXPECT_EQ(run(*on_, send_error(peer, "x")), transport_errc::closed);
  raw_.half_close();
  EXPECT_EQ(run(*on_, receive_error(peer, 0s)), transport_errc::end_of_stream);
  EXPECT_EQ(run(*on_, send_error(peer, "x")), transport_errc::closed);
}

TEST_P(async, a_reset_ends_a_wait_to_send) {
  connection peer = connect_pair(narrow());
  auto body = [](connection& to, raw_socket& raw, reactor& on) -> task<std::error_code> {
    task_scope children(on);
    auto resetting = [](raw_socket& from, reactor& at) -> task<void> {
      co_await sleep_for(at, 10ms);
      from.reset();
    };
    children.spawn(resetting(raw, on));
    int waits = 0;
    const auto why = co_await send_pieces(to, pattern(8 * 1024 * 1024), 10'000, waits);
    co_await children.join();
    co_return why;
  };
  EXPECT_EQ(run(*on_, body(peer, raw_, *on_)), condition::disconnected);
}

TEST_P(async, close_ends_the_waits_of_others_from_a_later_turn) {
  connection peer = connect_pair(narrow());
  std::error_code received;
  std::error_code sent;
  auto receiving = [](connection& from, std::error_code& why) -> task<void> {
    why = co_await receive_error(from, 0s);
  };
  auto sending = [](connection& to, std::error_code& why) -> task<void> {
    int waits = 0;
    why = co_await send_pieces(to, pattern(8 * 1024 * 1024), 10'000, waits);
  };
  task_scope children(*on_);
  children.spawn(receiving(peer, received));
  children.spawn(sending(peer, sent));
  ASSERT_TRUE(on_->run_once(1ms));
  EXPECT_EQ(children.count(), 2U);
  peer.abort();
  EXPECT_EQ(children.count(), 2U) << "resumed from inside abort";
  turn_until(*on_, [&] { return children.count() == 0; });
  EXPECT_EQ(received, transport_errc::closed);
  EXPECT_EQ(sent, transport_errc::closed);
}

TEST_P(async, a_cancelled_scope_ends_every_kind_of_wait_and_loses_nothing) {
  connection peer = connect_pair(narrow());
  silent_listener silent;
  std::array<std::error_code, 3> why;
  auto receiving = [](connection& from, std::error_code& noted) -> task<void> {
    noted = co_await receive_error(from, 1h);
  };
  auto sending = [](connection& to, std::error_code& noted) -> task<void> {
    int waits = 0;
    noted = co_await send_pieces(to, pattern(8 * 1024 * 1024), 10'000, waits);
  };
  auto connecting_to = [](reactor& on, endpoint to, std::error_code& noted) -> task<void> {
    const auto made = co_await connect(on, to);
    if (!made) noted = made.error();
  };
  task_scope children(*on_);
  children.spawn(receiving(peer, why[0]));
  children.spawn(sending(peer, why[1]));
  children.spawn(connecting_to(*on_, silent.address(), why[2]));
  ASSERT_TRUE(on_->run_once(1ms));
  children.cancel();
  EXPECT_EQ(children.count(), 3U) << "resumed from inside cancel";
  turn_until(*on_, [&] { return children.count() == 0; });
  for (const std::error_code& each : why) EXPECT_EQ(each, condition::cancelled);
  raw_.send("still there");
  EXPECT_EQ(run(*on_, received_text(peer)), "still there");
  peer.abort();
}

TEST_P(async, connect_reads_text) {
  listening_ = std::make_unique<raw_listener>("[::1]:0");
  auto body = [](reactor& on, std::string to) -> task<result<connection>> {
    co_return co_await connect(on, to);
  };
  auto peer = run(*on_, body(*on_, listening_->address().to_string()));
  ASSERT_TRUE(peer) << peer.error().message();
  EXPECT_EQ(peer->peer(), listening_->address());
  raw_ = listening_->accept();
  raw_.close();
  const auto refused = run(*on_, body(*on_, "no address at all"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), condition::invalid);
}

TEST_P(async, connect_tries_several_addresses) {
  const raw_listener taken("[::1]:0", 0, false);
  listening_ = std::make_unique<raw_listener>("127.0.0.1:0");
  auto body = [](reactor& on, std::array<endpoint, 2> to) -> task<result<connection>> {
    co_return co_await connect(on, to);
  };
  auto peer = run(*on_, body(*on_, {taken.address(), listening_->address()}));
  ASSERT_TRUE(peer) << peer.error().message();
  EXPECT_EQ(peer->peer(), listening_->address());
  listening_->accept().close();
}

task<void> echo(connection peer) {
  while (auto bytes = co_await peer.receive())
    if (!co_await peer.send(std::move(*bytes))) break;
}

TEST_P(async, an_echo_in_three_lines_gives_back_every_byte) {
  connection peer = connect_pair(narrow());
  const std::string sent = pattern(3 * 1024 * 1024);
  std::string got;
  std::thread client([&] {
    std::thread reader([&] { got = raw_.receive_all(); });
    raw_.send(sent);
    raw_.half_close();
    reader.join();
  });
  run(*on_, echo(std::move(peer)));
  turn_until(*on_, [&] { return on_->internals().drained(); });
  client.join();
  EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size() << " bytes";
  EXPECT_EQ(on_->counters().bytes_copied, 0U);
}

TEST_P(async, the_end_of_the_reactor_ends_a_spawned_coroutine_that_receives) {
  std::error_code why;
  auto body = [](connection peer, std::error_code& noted) -> task<void> {
    noted = co_await receive_error(peer, 0s);
  };
  spawn(*on_, body(connect_pair(), why));
  ASSERT_TRUE(on_->run_once(1ms));
  EXPECT_FALSE(why);
  on_.reset();
  EXPECT_TRUE(why);
}

#ifndef NDEBUG
TEST(async_death, two_coroutines_may_not_receive_on_one_connection) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto twice = [] {
    reactor on = std::move(*reactor::open({.backend = io::backend_kind::epoll}));
    raw_listener listening("127.0.0.1:0");
    auto peer = run(on, connected(on, listening.address(), {}));
    auto body = [](connection& from) -> task<void> { co_await from.receive(); };
    spawn(on, body(*peer));
    spawn(on, body(*peer));
  };
  EXPECT_DEATH(twice(), "two coroutines receive");
}
#endif

INSTANTIATE_TEST_SUITE_P(backends, async, both_backends, name_of_backend);

}  // namespace
}  // namespace myra
