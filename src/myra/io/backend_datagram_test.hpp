// Datagrams, on every backend.
#pragma once

#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <deque>

#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/datagram_operation.hpp"

namespace myra::io {

/// A datagram that came, written down.
struct received_datagram {
  std::string bytes;
  std::uint16_t port = 0;
  std::uint32_t size = 0;
  std::uint32_t segment_size = 0;
};

struct recorded_datagrams : receive_datagram_operation {
  recorded_datagrams(int socket, bool multishot_wanted) : receive_datagram_operation(&note) {
    descriptor = socket;
    multishot = multishot_wanted;
  }

  std::vector<received_datagram> came;
  std::vector<int> errors;
  bool keep_buffers = false;
  std::vector<buffer> kept;
  std::function<void()> then;

 private:
  static void note(operation& completed, completion& what) noexcept {
    auto& self = static_cast<recorded_datagrams&>(completed);
    if (what.from == nullptr) {
      self.errors.push_back(what.result);
    } else {
      received_datagram one;
      if (what.bytes) one.bytes = as_text(what.bytes.bytes());
      EXPECT_EQ(what.result, static_cast<int>(one.bytes.size()));
      one.size = what.from->size;
      one.segment_size = what.from->segment_size;
      EXPECT_EQ(what.from->peer_size, sizeof(sockaddr_in));
      if (what.from->peer->sa_family == AF_INET)
        one.port = ntohs(reinterpret_cast<const sockaddr_in*>(what.from->peer)->sin_port);
      self.came.push_back(std::move(one));
      if (self.keep_buffers) self.kept.push_back(std::move(what.bytes));
    }
    if (self.then) self.then();
  }
};

struct recorded_datagram_send : recorded<send_datagram_operation> {
  recorded_datagram_send(int socket, std::string text, const sockaddr_in* to = nullptr,
                         std::uint16_t segment_size = 0)
      : recorded<send_datagram_operation>(socket), held(std::move(text)) {
    envelope.address(as_bytes(held), reinterpret_cast<const sockaddr*>(to), sizeof *to,
                     segment_size);
    message = &envelope.header;
    size = static_cast<std::uint32_t>(held.size());
  }
  std::string held;
  send_envelope envelope;
};

class datagram_test : public backend_test {
 protected:
  /// A UDP socket of ours on 127.0.0.1; its address is left in `bound`.
  int udp_socket(sockaddr_in& bound) {
    const int socket = ours(engine->sockets().open(AF_INET, SOCK_DGRAM, 0));
    bind_near(socket, bound);
    return socket;
  }
  /// One of the test's own.
  peer udp_peer(sockaddr_in& bound) {
    peer made(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    bind_near(made.get(), bound);
    return made;
  }
  static void bind_near(int socket, sockaddr_in& bound) {
    bound = loopback();
    socklen_t size = sizeof bound;
    ASSERT_EQ(::bind(socket, as_address(bound), size), 0);
    ASSERT_EQ(::getsockname(socket, as_address(bound), &size), 0);
  }
  static void connect_near(int socket, const sockaddr_in& to) {
    ASSERT_EQ(::connect(socket, as_address(to), sizeof to), 0);
  }
  static void send_to(const peer& from, const sockaddr_in& to, std::string_view text) {
    ASSERT_EQ(::sendto(from.get(), text.data(), text.size(), 0, as_address(to), sizeof to),
              static_cast<ssize_t>(text.size()));
  }
  /// An address where nobody is.
  sockaddr_in nowhere() {
    sockaddr_in bound{};
    udp_peer(bound).close();
    return bound;
  }
  void stop(recorded_datagrams& unwanted) {
    engine->cancel(unwanted);
    EXPECT_TRUE(until([&] { return unwanted.idle(); }));
  }
  /// As a socket's owner does: armed again whenever it ended.
  void keep_armed(recorded_datagrams& receive) {
    if (receive.idle()) engine->submit(receive);
  }
};

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
