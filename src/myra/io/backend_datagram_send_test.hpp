// Sending datagrams, on every backend.
#pragma once

#include <algorithm>
#include <array>
#include <deque>
#include <string>
#include <vector>

#include "myra/io/backend_datagram_fixture_test.hpp"

namespace myra::io {

class datagram_send_test : public datagram_test {};

TEST_P(datagram_send_test, goes_to_its_address) {
  sockaddr_in at{};
  std::array<sockaddr_in, 2> to{};
  const int socket = udp_socket(at);
  const peer first = udp_peer(to[0]);
  const peer second = udp_peer(to[1]);
  recorded_datagram_send one(socket, "one", &to[0]);
  recorded_datagram_send two(socket, "second", &to[1]);
  submit(one);
  EXPECT_EQ(run(two), 6);
  EXPECT_EQ(one.last(), 3);
  EXPECT_EQ(first.read(), "one");
  EXPECT_EQ(second.read(), "second");
}

TEST_P(datagram_send_test, an_empty_one_is_sent) {
  sockaddr_in at{};
  sockaddr_in to{};
  const int socket = udp_socket(at);
  const peer receiver = udp_peer(to);
  recorded_datagram_send send(socket, "", &to);
  EXPECT_EQ(run(send), 0);
  char byte = 0;
  EXPECT_EQ(::recv(receiver.get(), &byte, 1, 0), 0);
}

TEST_P(datagram_send_test, many_of_one_turn_keep_their_order) {
  constexpr std::size_t count = 150;  // more than one sendmmsg(2) takes
  sockaddr_in at{};
  sockaddr_in to{};
  const int socket = udp_socket(at);
  const peer receiver = udp_peer(to);
  for (const bool silent : {false, true}) {
    std::deque<recorded_datagram_send> sends;
    for (std::size_t i = 0; i < count; ++i) {
      sends.emplace_back(socket, std::to_string(i), &to);
      sends.back().silent = silent;
      submit(sends.back());
    }
    ASSERT_TRUE(until([&] { return sends.back().ended(); }));
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(sends[i].last(), static_cast<int>(sends[i].size));
      EXPECT_EQ(sends[i].outcomes.size(), 1U);
      EXPECT_EQ(receiver.read(), std::to_string(i));
    }
  }
}

TEST_P(datagram_send_test, one_that_is_too_large_harms_no_other) {
  sockaddr_in at{};
  sockaddr_in to{};
  const int socket = udp_socket(at);
  const peer receiver = udp_peer(to);
  for (const bool silent : {false, true}) {
    recorded_datagram_send before(socket, "before", &to);
    recorded_datagram_send large(socket, pattern(65'508), &to);
    recorded_datagram_send after(socket, "after", &to);
    for (auto* each : {&before, &large, &after}) {
      each->silent = silent;
      submit(*each);
    }
    ASSERT_TRUE(until([&] { return before.ended() && large.ended() && after.ended(); }));
    EXPECT_EQ(before.last(), 6);
    EXPECT_EQ(large.last(), -EMSGSIZE);
    EXPECT_EQ(after.last(), 5);
    EXPECT_EQ(receiver.read(), "before");
    EXPECT_EQ(receiver.read(), "after");
  }
}

TEST_P(datagram_send_test, a_row_of_segments_arrives_as_datagrams) {
  if (!kernel_segments_datagrams()) GTEST_SKIP() << "no UDP_SEGMENT: needs Linux 4.18";
  sockaddr_in at{};
  sockaddr_in to{};
  const int socket = udp_socket(at);
  const peer receiver = udp_peer(to);
  const std::string row = pattern(3 * 1000 + 7);
  recorded_datagram_send send(socket, row, &to, 1000);
  EXPECT_EQ(run(send), 3007);
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_TRUE(receiver.read() == row.substr(i * 1000, 1000)) << i;
  EXPECT_TRUE(receiver.read() == row.substr(3000));
}

/// A socket that is full as soon as its peer does not read: what it did not read counts in our send
/// buffer.
class full_datagram_socket_test : public datagram_test {
 protected:
  void SetUp() override {
    datagram_test::SetUp();
    if (IsSkipped()) return;
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
    ASSERT_GE(engine->sockets().adopt(ends[0]), 0);
    socket = ours(ends[0]);
    other = peer(ends[1]);
    set_send_buffer(socket, 1);  // the kernel's least
  }
  void TearDown() override {
    other.close();
    datagram_test::TearDown();
  }
  /// Submits `count` datagrams with their numbers.
  void send_numbers(std::size_t count, bool silent) {
    for (std::size_t i = 0; i < count; ++i) {
      sends.emplace_back(socket, std::to_string(i));
      sends.back().silent = silent;
      submit(sends.back());
    }
  }
  int socket = -1;
  peer other;
  std::deque<recorded_datagram_send> sends;
};

TEST_P(full_datagram_socket_test, those_that_wait_go_when_there_is_room) {
  send_numbers(40, false);
  turn(0ms);
  EXPECT_FALSE(sends.back().ended());
  std::vector<bool> seen(40);
  std::size_t count = 0;
  ASSERT_TRUE(until([&] {
    for (std::string got = other.read(); !got.empty(); got = other.read(), ++count)
      seen[static_cast<std::size_t>(std::stoi(got))] = true;
    return count == 40;
  }));
  EXPECT_EQ(std::count(seen.begin(), seen.end(), true), 40);
  ASSERT_TRUE(until([&] {
    return std::all_of(sends.begin(), sends.end(), [](const auto& each) { return each.ended(); });
  }));
  for (const auto& each : sends) EXPECT_EQ(each.last(), static_cast<int>(each.size));
}

TEST_P(full_datagram_socket_test, silent_ones_do_not_wait) {
  if (GetParam().submission_polling) GTEST_SKIP() << "no send is silent with submission polling";
  send_numbers(40, true);
  ASSERT_TRUE(until([&] {
    return std::all_of(sends.begin(), sends.end(), [](const auto& each) { return each.ended(); });
  }));
  std::size_t sent = 0;
  while (sent < sends.size() && sends[sent].last() > 0) ++sent;
  EXPECT_GT(sent, 0U);
  for (std::size_t i = sent; i < sends.size(); ++i) EXPECT_EQ(sends[i].last(), -EAGAIN) << i;
  for (std::size_t i = 0; i < sent; ++i) EXPECT_EQ(other.read(), std::to_string(i));
  EXPECT_EQ(other.read(), "");
}

TEST_P(full_datagram_socket_test, those_that_wait_can_be_cancelled) {
  send_numbers(40, false);
  turn(0ms);
  for (auto& each : sends)
    if (!each.ended()) engine->cancel(each);
  ASSERT_TRUE(until([&] {
    return std::all_of(sends.begin(), sends.end(), [](const auto& each) { return each.ended(); });
  }));
  EXPECT_EQ(sends.front().last(), 1);
  EXPECT_EQ(sends.back().last(), -ECANCELED);
  for (const auto& each : sends)
    EXPECT_TRUE(each.last() > 0 || each.last() == -ECANCELED) << each.last();
}

TEST_P(full_datagram_socket_test, those_that_wait_end_with_the_peer) {
  send_numbers(40, false);
  turn(0ms);
  other.close();
  ASSERT_TRUE(until([&] {
    return std::all_of(sends.begin(), sends.end(), [](const auto& each) { return each.ended(); });
  }));
  // The kernel says so once, and then that there is no peer.
  std::size_t refused = 0;
  for (const auto& each : sends) {
    refused += each.last() == -ECONNREFUSED ? 1 : 0;
    EXPECT_TRUE(each.last() > 0 || each.last() == -ECONNREFUSED || each.last() == -ENOTCONN);
  }
  EXPECT_GE(refused, 1U);
}

TEST_P(datagram_send_test, says_what_is_wrong_with_the_socket) {
  sockaddr_in to = loopback();
  to.sin_port = htons(9);
  recorded_datagram_send send(9999, "x", &to);
  EXPECT_EQ(run(send), -EBADF);
  sockaddr_in at{};
  recorded_datagram_send nowhere_to_go(udp_socket(at), "x");
  EXPECT_EQ(run(nowhere_to_go), -EDESTADDRREQ);
}

}  // namespace myra::io
