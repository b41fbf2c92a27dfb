// Receiving datagrams, on every backend.
#pragma once

#include <netinet/udp.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "myra/io/backend_datagram_fixture_test.hpp"
#include "myra/io/loopback_rows_test.hpp"

namespace myra::io {

class datagram_receive_test : public datagram_test {
 protected:
  /// What every case does with a multishot receive it does with a one-shot as well.
  void for_each_mode(const std::function<void(bool multishot)>& run) {
    for (const bool multishot : {true, false}) {
      SCOPED_TRACE(multishot ? "multishot" : "one-shot");
      run(multishot);
    }
  }
};

TEST_P(datagram_receive_test, brings_the_bytes_and_the_peer) {
  for_each_mode([&](bool multishot) {
    sockaddr_in at{};
    sockaddr_in from{};
    recorded_datagrams receive(udp_socket(at), multishot);
    const peer sender = udp_peer(from);
    engine->submit(receive);
    send_to(sender, at, "hello");
    ASSERT_TRUE(until([&] { return receive.came.size() == 1; }));
    EXPECT_EQ(receive.came[0].bytes, "hello");
    EXPECT_EQ(receive.came[0].size, 5U);
    EXPECT_EQ(receive.came[0].segment_size, 0U);
    EXPECT_EQ(receive.came[0].port, ntohs(from.sin_port));
    EXPECT_EQ(receive.idle(), !multishot);
    stop(receive);
  });
}

TEST_P(datagram_receive_test, tells_peers_apart_and_keeps_their_order) {
  for_each_mode([&](bool multishot) {
    sockaddr_in at{};
    std::array<sockaddr_in, 3> from{};
    std::vector<peer> senders;
    recorded_datagrams receive(udp_socket(at), multishot);
    for (sockaddr_in& each : from) senders.push_back(udp_peer(each));
    for (int round = 0; round < 10; ++round)
      for (const peer& each : senders) send_to(each, at, std::to_string(round));
    ASSERT_TRUE(until([&] {
      keep_armed(receive);
      return receive.came.size() == 30;
    }));
    for (std::size_t i = 0; i < 30; ++i) {
      EXPECT_EQ(receive.came[i].bytes, std::to_string(i / 3));
      EXPECT_EQ(receive.came[i].port, ntohs(from[i % 3].sin_port));
    }
    stop(receive);
  });
}

TEST_P(datagram_receive_test, an_empty_datagram_is_one) {
  for_each_mode([&](bool multishot) {
    sockaddr_in at{};
    sockaddr_in from{};
    recorded_datagrams receive(udp_socket(at), multishot);
    const peer sender = udp_peer(from);
    for (const char* text : {"", "a", "", "b"}) send_to(sender, at, text);
    ASSERT_TRUE(until([&] {
      keep_armed(receive);
      return receive.came.size() == 4;
    }));
    EXPECT_EQ(receive.came[0].bytes, "");
    EXPECT_EQ(receive.came[0].port, ntohs(from.sin_port));
    EXPECT_EQ(receive.came[1].bytes, "a");
    EXPECT_EQ(receive.came[2].bytes, "");
    EXPECT_EQ(receive.came[3].bytes, "b");
    EXPECT_TRUE(receive.errors.empty());
    stop(receive);
  });
}

TEST_P(datagram_receive_test, what_is_too_long_is_truncated_and_says_so) {
  for_each_mode([&](bool multishot) {
    constexpr std::size_t room = slot_size - datagram_headroom_bytes;
    sockaddr_in at{};
    sockaddr_in from{};
    recorded_datagrams receive(udp_socket(at), multishot);
    const peer sender = udp_peer(from);
    const std::string text = pattern(room + 1000);
    send_to(sender, at, std::string_view(text).substr(0, room));
    send_to(sender, at, text);
    ASSERT_TRUE(until([&] {
      keep_armed(receive);
      return receive.came.size() == 2;
    }));
    EXPECT_TRUE(receive.came[0].bytes == text.substr(0, room));
    EXPECT_EQ(receive.came[0].size, room);
    EXPECT_TRUE(receive.came[1].bytes == text.substr(0, room));
    EXPECT_EQ(receive.came[1].size, room + 1000);
    stop(receive);
  });
}

TEST_P(datagram_receive_test, without_a_buffer_it_ends_and_loses_nothing) {
  for_each_mode([&](bool multishot) {
    sockaddr_in at{};
    sockaddr_in from{};
    recorded_datagrams receive(udp_socket(at), multishot);
    receive.keep_buffers = true;
    const peer sender = udp_peer(from);
    for (std::uint32_t i = 0; i < slot_count + 5; ++i) send_to(sender, at, std::to_string(i));
    ASSERT_TRUE(until([&] {
      if (!receive.errors.empty()) return true;
      keep_armed(receive);
      return false;
    }));
    EXPECT_EQ(receive.errors, std::vector{-ENOBUFS});
    EXPECT_TRUE(receive.idle());
    EXPECT_GE(engine->counters().no_buffer, 1U);
    receive.kept.clear();
    receive.keep_buffers = false;
    ASSERT_TRUE(until([&] {
      keep_armed(receive);
      return receive.came.size() == slot_count + 5;
    }));
    for (std::size_t i = 0; i < receive.came.size(); ++i)
      EXPECT_EQ(receive.came[i].bytes, std::to_string(i));
    stop(receive);
  });
}

TEST_P(datagram_receive_test, cancelled_while_it_waits) {
  for_each_mode([&](bool multishot) {
    sockaddr_in at{};
    recorded_datagrams receive(udp_socket(at), multishot);
    engine->submit(receive);
    turn(1ms);
    stop(receive);
    EXPECT_EQ(receive.errors, std::vector{-ECANCELED});
  });
}

TEST_P(datagram_receive_test, cancelled_by_its_handler_it_loses_nothing) {
  sockaddr_in at{};
  sockaddr_in from{};
  recorded_datagrams receive(udp_socket(at), true);
  const peer sender = udp_peer(from);
  for (int i = 0; i < 20; ++i) send_to(sender, at, std::to_string(i));
  receive.then = [&] {
    if (receive.came.size() == 3) engine->cancel(receive);
  };
  engine->submit(receive);
  ASSERT_TRUE(until([&] { return receive.idle(); }));
  const std::size_t before = receive.came.size();
  EXPECT_GE(before, 3U);
  receive.then = nullptr;
  engine->submit(receive);
  ASSERT_TRUE(until([&] {
    keep_armed(receive);
    return receive.came.size() == 20;
  }));
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(receive.came[i].bytes, std::to_string(i));
  stop(receive);
}

TEST_P(datagram_receive_test, a_refusal_is_an_error_that_it_survives) {
  for_each_mode([&](bool multishot) {
    sockaddr_in at{};
    const int socket = udp_socket(at);
    sockaddr_in to = nowhere();
    connect_near(socket, to);
    recorded_datagrams receive(socket, multishot);
    engine->submit(receive);
    turn(1ms);
    recorded_datagram_send send(socket, "anybody?");
    EXPECT_EQ(run(send), 8);
    ASSERT_TRUE(until([&] { return receive.idle(); }));
    EXPECT_EQ(receive.errors, std::vector{-ECONNREFUSED});
    peer late(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(late.get(), as_address(to), sizeof to), 0);
    engine->submit(receive);
    send_to(late, at, "here");
    ASSERT_TRUE(until([&] { return receive.came.size() == 1; }));
    stop(receive);
  });
}

TEST_P(datagram_receive_test, rows_of_segments_tell_their_size) {
  if (!kernel_coalesces_datagrams()) GTEST_SKIP() << "no UDP_GRO: needs Linux 5.0";
  if (!loopback_carries_rows()) GTEST_SKIP() << "over loopback this kernel cuts rows up";
  for_each_mode([&](bool multishot) {
    sockaddr_in at{};
    sockaddr_in from{};
    const int socket = udp_socket(at);
    const int on = 1;
    ASSERT_GE(engine->sockets().set_option(socket, IPPROTO_UDP, UDP_GRO, &on, sizeof on), 0);
    recorded_datagrams receive(socket, multishot);
    const peer sender = udp_peer(from);
    const int segment_size = 700;
    ASSERT_EQ(
        ::setsockopt(sender.get(), IPPROTO_UDP, UDP_SEGMENT, &segment_size, sizeof segment_size),
        0);
    const std::string row = pattern(4 * 700 + 123);
    send_to(sender, at, row);
    send_to(sender, at, row.substr(0, 700));
    send_to(sender, at, row.substr(0, 50));
    ASSERT_TRUE(until([&] {
      keep_armed(receive);
      return receive.came.size() == 3;
    }));
    EXPECT_TRUE(receive.came[0].bytes == row);
    EXPECT_EQ(receive.came[0].segment_size, 700U);
    EXPECT_EQ(receive.came[1].segment_size, 0U) << "one datagram is no row";
    EXPECT_EQ(receive.came[2].segment_size, 0U);
    stop(receive);
  });
}

}  // namespace myra::io
