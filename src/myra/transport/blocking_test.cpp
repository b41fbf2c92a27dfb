#include "myra/transport/blocking.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <thread>

#include "myra/transport/loopback_test.hpp"

namespace myra {
namespace {

using namespace loopback;

class blocking : public on_backends {
 protected:
  static blocking_options quick() {
    blocking_options options;
    options.backend = GetParam();
    options.connection.linger_timeout = 20ms;
    return options;
  }

  static blocking_connection connect_to(const raw_listener& listening) {
    auto peer = blocking_connection::connect(listening.address().to_string(), quick());
    if (!peer) throw std::runtime_error(describe(peer.error()));
    return std::move(*peer);
  }

  static std::string receive_text(blocking_connection& peer, std::size_t most) {
    std::string text(most, '\0');
    const auto count = peer.receive(std::as_writable_bytes(std::span(text)));
    if (!count) return count.error().message();
    text.resize(*count);
    return text;
  }

  raw_listener listening_{"127.0.0.1:0"};
};

TEST_P(blocking, sends_and_receives) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  EXPECT_EQ(peer.backend(), GetParam());
  EXPECT_EQ(peer.peer(), listening_.address());
  ASSERT_TRUE(peer.send(as_bytes("ping")));
  EXPECT_EQ(raw.receive(), "ping") << "send returned before the kernel had the bytes";
  raw.send("pong");
  EXPECT_EQ(receive_text(peer, 100), "pong");
}

TEST_P(blocking, works_over_unix_sockets) {
  const std::string name = "unix:@myra-blocking-" + std::to_string(::getpid());
  raw_listener listening(name.c_str());
  blocking_connection peer = connect_to(listening);
  raw_socket raw = listening.accept();
  ASSERT_TRUE(peer.send(as_bytes("ping")));
  EXPECT_EQ(raw.receive(), "ping");
}

TEST_P(blocking, receive_gives_the_rest_of_a_message_next) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  raw.send("abcdefgh");
  EXPECT_EQ(receive_text(peer, 3), "abc");
  EXPECT_EQ(receive_text(peer, 100), "defgh");
}

TEST_P(blocking, receive_gives_zero_at_the_end_of_the_stream) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  raw.send("bye");
  raw.half_close();
  EXPECT_EQ(receive_text(peer, 100), "bye");
  EXPECT_EQ(receive_text(peer, 100), "");
  EXPECT_EQ(receive_text(peer, 100), "");
  EXPECT_TRUE(peer.send(as_bytes("still"))) << "the other direction is open";
  EXPECT_EQ(raw.receive(), "still");
}

TEST_P(blocking, receive_misses_its_deadline_and_loses_nothing) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  std::array<std::byte, 16> space{};
  std::this_thread::sleep_for(30ms);  // deadlines are from the call, not from the last turn
  const auto began = clock::now();
  const auto missed = peer.receive(space, 20ms);
  EXPECT_GE(clock::now() - began, 20ms);
  ASSERT_FALSE(missed);
  EXPECT_EQ(missed.error(), condition::timed_out);
  raw.send("late");
  EXPECT_EQ(receive_text(peer, 100), "late");
}

TEST_P(blocking, receive_exact_gathers_pieces) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  std::thread dribbling([&] {
    for (const char* piece : {"ab", "c", "defg", "hij"}) {
      raw.send(piece);
      std::this_thread::sleep_for(2ms);
    }
    raw.half_close();
  });
  std::string text(8, '\0');
  EXPECT_TRUE(peer.receive_exact(std::as_writable_bytes(std::span(text))));
  EXPECT_EQ(text, "abcdefgh");
  const auto cut = peer.receive_exact(std::as_writable_bytes(std::span(text)));
  dribbling.join();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error(), transport_errc::end_of_stream);
}

TEST_P(blocking, what_was_sent_comes_to_a_peer_that_reads_after_the_end) {
  blocking_options options = quick();
  options.connection.send_buffer_bytes = 1024 * 1024;
  const std::string sent(512 * 1024, 'x');
  raw_socket raw;
  {
    auto peer = blocking_connection::connect(listening_.address().to_string(), options);
    ASSERT_TRUE(peer) << describe(peer.error());
    raw = listening_.accept();
    const int little = 4096;
    ::setsockopt(raw.descriptor(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
    ASSERT_TRUE(peer->send(as_bytes(sent)));
    peer->close();
  }
  EXPECT_EQ(raw.receive_all().size(), sent.size());
}

TEST_P(blocking, the_longest_linger_time_is_one) {
  blocking_options options = quick();
  options.connection.linger_timeout = duration::max();
  auto peer = blocking_connection::connect(listening_.address().to_string(), options);
  ASSERT_TRUE(peer) << describe(peer.error());
  raw_socket raw = listening_.accept();
  const auto began = clock::now();
  std::thread closing([&] {
    std::this_thread::sleep_for(50ms);
    raw.close();
  });
  peer->close();
  EXPECT_GE(clock::now() - began, 50ms);
  closing.join();
}

TEST_P(blocking, a_large_send_returns_when_the_kernel_has_all_of_it) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  std::string sent(16 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<char>(i * 7 + i / 251);
  std::string got;
  std::thread reader([&] { got = raw.receive_all(); });
  EXPECT_TRUE(peer.send(as_bytes(sent)));
  EXPECT_TRUE(peer.half_close());
  reader.join();  // without another turn of ours
  EXPECT_TRUE(got == sent) << got.size() << " of " << sent.size() << " bytes";
}

TEST_P(blocking, many_small_sends_arrive_one_by_one) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  for (int i = 0; i < 1000; ++i) {
    const std::string text = std::to_string(i);
    ASSERT_TRUE(peer.send(as_bytes(text)));
    ASSERT_EQ(raw.receive(), text);
  }
}

TEST_P(blocking, a_peer_that_does_not_read_makes_send_miss_its_deadline) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  const std::string much(32 * 1024 * 1024, 'x');
  const auto missed = peer.send(as_bytes(much), 50ms);
  ASSERT_FALSE(missed);
  EXPECT_EQ(missed.error(), condition::timed_out);
}

TEST_P(blocking, a_peer_that_is_gone_is_told_by_send_and_receive) {
  blocking_connection peer = connect_to(listening_);
  listening_.accept().reset();
  std::array<std::byte, 16> space{};
  const auto received = peer.receive(space);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error(), condition::disconnected);
  const auto sent = peer.send(as_bytes("anybody?"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), condition::disconnected);
}

TEST_P(blocking, calls_after_close_answer_closed) {
  blocking_connection peer = connect_to(listening_);
  raw_socket raw = listening_.accept();
  peer.close();
  peer.close();
  EXPECT_EQ(raw.receive(), "");
  std::array<std::byte, 16> space{};
  const auto received = peer.receive(space);
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error(), transport_errc::closed);
  const auto sent = peer.send(as_bytes("x"));
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error(), transport_errc::closed);
  const auto ended = peer.half_close();
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error(), transport_errc::closed);
}

TEST_P(blocking, a_moved_connection_goes_on) {
  blocking_connection first = connect_to(listening_);
  raw_socket raw = listening_.accept();
  blocking_connection second = std::move(first);
  ASSERT_TRUE(second.send(as_bytes("moved")));
  EXPECT_EQ(raw.receive(), "moved");
  second = connect_to(listening_);
  EXPECT_EQ(raw.receive(), "") << "the one that was assigned to is closed";
}

TEST_P(blocking, a_refusal_names_the_address) {
  const raw_listener taken("127.0.0.1:0", 0, false);
  const std::string address = taken.address().to_string();
  const auto refused = blocking_connection::connect(address, quick());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, condition::refused);
  EXPECT_EQ(refused.error().what, "connect to " + address);
}

TEST_P(blocking, connecting_has_a_deadline) {
  const silent_listener silent;
  blocking_options options = quick();
  options.deadline = 50ms;
  const auto missed = blocking_connection::connect(silent.address().to_string(), options);
  ASSERT_FALSE(missed);
  EXPECT_EQ(missed.error().code, condition::timed_out);
}

TEST_P(blocking, an_address_that_cannot_be_read_is_invalid) {
  const auto refused = blocking_connection::connect("nonsense", quick());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, condition::invalid);
}

#ifndef NDEBUG
TEST(blocking_death, belongs_to_the_thread_that_connected) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto elsewhere = [] {
    raw_listener listening("127.0.0.1:0");
    blocking_options options;
    options.backend = io::backend_kind::epoll;
    auto peer = blocking_connection::connect(listening.address().to_string(), options);
    std::thread other([&] { static_cast<void>(peer->send(as_bytes("x"))); });
    other.join();
  };
  EXPECT_DEATH(elsewhere(), "only the thread that connected");
}
#endif

INSTANTIATE_TEST_SUITE_P(backends, blocking, both_backends, name_of_backend);

}  // namespace
}  // namespace myra
