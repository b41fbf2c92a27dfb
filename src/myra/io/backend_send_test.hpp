// Sending, on every backend.
#pragma once

#include "myra/io/backend_fixture_test.hpp"

namespace myra::io {

struct recorded_send : recorded<send_operation> {
  recorded_send(int socket, const std::string& text) : recorded<send_operation>(socket) {
    data = data_of(text);
    size = static_cast<std::uint32_t>(text.size());
  }
};

TEST_P(backend_test, send_completes_with_the_size) {
  auto [socket, other] = tcp_pair();
  const std::string text = "some bytes";
  recorded_send send(socket, text);
  EXPECT_EQ(run(send), 10);
  EXPECT_FALSE(send.outcomes[0].more);
  EXPECT_EQ(other.read(), text);
}

TEST_P(backend_test, nothing_is_sent_before_the_turn) {
  auto [socket, other] = unix_pair();
  const std::string text = "patience";
  recorded_send send(socket, text);
  EXPECT_FALSE(engine->pending());
  submit(send);
  EXPECT_TRUE(engine->pending());
  EXPECT_EQ(other.read(), "");
  ASSERT_TRUE(until([&] { return send.ended(); }));
  EXPECT_FALSE(engine->pending());
  EXPECT_EQ(other.read(), text);
}

TEST_P(backend_test, sends_of_one_turn_keep_their_order) {
  auto [socket, other] = tcp_pair();
  std::vector<std::string> texts;
  std::vector<std::unique_ptr<recorded_send>> sends;
  std::string all;
  for (int i = 0; i < 100; ++i) texts.push_back("part " + std::to_string(i) + ";");
  for (const std::string& text : texts) {
    sends.push_back(std::make_unique<recorded_send>(socket, text));
    submit(*sends.back());
    all += text;
  }
  ASSERT_TRUE(until([&] { return sends.back()->ended(); }));
  for (const auto& send : sends) EXPECT_EQ(send->last(), static_cast<int>(send->size));
  std::string got;
  ASSERT_TRUE(until([&] {
    got += other.read();
    return got.size() >= all.size();
  }));
  EXPECT_EQ(got, all);
}

TEST_P(backend_test, short_sends_are_continued) {
  for (bool tcp : {false, true}) {
    auto [socket, other] = tcp ? tcp_pair() : unix_pair();
    set_send_buffer(socket, 4096);
    const std::string text = pattern(1 << 20);
    recorded_send send(socket, text);
    submit(send);
    std::string got;
    ASSERT_TRUE(until([&] {
      got += other.read();
      return got.size() == text.size() && send.ended();
    })) << got.size();
    EXPECT_TRUE(got == text);
    EXPECT_EQ(send.outcomes.size(), 1U);
    EXPECT_EQ(send.last(), static_cast<int>(text.size()));
  }
}

TEST_P(backend_test, a_vector_of_many_parts_is_continued) {
  auto [socket, other] = tcp_pair();
  set_send_buffer(socket, 4096);
  const std::string text = pattern(1 << 20);
  std::vector<iovec> parts;
  std::size_t at = 0;
  for (std::size_t i = 0; at < text.size(); ++i) {
    const std::size_t size = std::min(text.size() - at, (i % 7) * 1201);  // some are empty
    parts.push_back({const_cast<char*>(text.data()) + at, size});
    at += size;
  }
  ASSERT_GT(parts.size(), 200U);
  msghdr vector{};
  vector.msg_iov = parts.data();
  vector.msg_iovlen = parts.size();
  recorded_send send(socket, text);
  send.data = nullptr;
  send.vector = &vector;
  submit(send);
  std::string got;
  ASSERT_TRUE(until([&] {
    got += other.read();
    return got.size() == text.size() && send.ended();
  })) << got.size();
  EXPECT_TRUE(got == text);
  EXPECT_EQ(send.last(), static_cast<int>(text.size()));
}

TEST_P(backend_test, an_empty_send_succeeds) {
  auto [socket, other] = tcp_pair();
  recorded_send send(socket, "");
  EXPECT_EQ(run(send), 0);
}

TEST_P(backend_test, a_silent_send_completes_without_ending_the_wait) {
  if (GetParam().submission_polling) GTEST_SKIP() << "no send is silent with submission polling";
  auto [socket, other] = tcp_pair();
  const std::string text = "quietly";
  recorded_send send(socket, text);
  send.silent = true;
  submit(send);
  const time_point began = clock::now();
  turn(60ms);
  EXPECT_GE(clock::now() - began, 60ms);
  ASSERT_TRUE(send.ended());
  EXPECT_EQ(send.last(), 7);
  EXPECT_EQ(other.read(), text);
  EXPECT_EQ(engine->counters().silent_sends, 1U);
}

TEST_P(backend_test, a_silent_send_that_is_short_says_how_much_went) {
  if (GetParam().submission_polling) GTEST_SKIP() << "no send is silent with submission polling";
  auto [socket, other] = tcp_pair();
  set_send_buffer(socket, 4096);
  const std::string text = pattern(8 << 20);
  recorded_send send(socket, text);
  send.silent = true;
  submit(send);
  const time_point began = clock::now();
  turn(4s);
  EXPECT_LT(clock::now() - began, 3s);
  ASSERT_TRUE(send.ended());
  ASSERT_GT(send.last(), 0);
  ASSERT_LT(send.last(), static_cast<int>(text.size()));
  std::string got;
  const auto sent = static_cast<std::size_t>(send.last());
  ASSERT_TRUE(until([&] {
    got += other.read();
    return got.size() >= sent;
  }));
  EXPECT_TRUE(got == text.substr(0, sent));
}

TEST_P(backend_test, a_silent_send_into_a_full_socket_would_wait) {
  if (GetParam().submission_polling) GTEST_SKIP() << "no send is silent with submission polling";
  auto [socket, other] = unix_pair();
  const std::string text = pattern(4 << 20);
  recorded_send filling(socket, text);
  filling.silent = true;
  ASSERT_LT(run(filling), static_cast<int>(text.size()));
  const std::string large(16384, 'x');
  recorded_send send(socket, large);
  send.silent = true;
  EXPECT_EQ(run(send), -EAGAIN);
  std::string got;
  while (got.size() < static_cast<std::size_t>(filling.last())) got += other.read();
  EXPECT_EQ(run(send), static_cast<int>(large.size()));
}

TEST_P(backend_test, sending_to_nobody_is_an_error_without_a_signal) {
  auto [socket, other] = unix_pair();
  other.close();
  const std::string text = "anyone?";
  recorded_send send(socket, text);
  EXPECT_EQ(run(send), -EPIPE);
  send.silent = true;
  EXPECT_EQ(run(send), -EPIPE);
  recorded_send closed(-1, text);
  EXPECT_EQ(run(closed), -EBADF);
}

TEST_P(backend_test, sending_after_a_reset_fails) {
  auto [socket, other] = tcp_pair();
  other.reset();
  await_hang_up(socket);
  const std::string text = "late";
  recorded_send send(socket, text);
  EXPECT_EQ(run(send), -ECONNRESET);
  EXPECT_EQ(run(send), -EPIPE);
}

TEST_P(backend_test, an_error_in_the_middle_gives_the_count_before_it) {
  auto [socket, other] = tcp_pair(4096);
  set_send_buffer(socket, 4096);
  const std::string text = pattern(8 << 20);
  recorded_send send(socket, text);
  submit(send);
  std::size_t read = 0;
  ASSERT_TRUE(until([&] {
    read += other.read(1000).size();
    return read > 50000;
  }));
  EXPECT_FALSE(send.idle());
  other.reset();
  ASSERT_TRUE(until([&] { return send.ended(); }));
  EXPECT_GE(send.last(), static_cast<int>(read));
  EXPECT_LT(send.last(), static_cast<int>(text.size()));
  EXPECT_LT(run(send), 0);
}

TEST_P(backend_test, a_cancelled_send_gives_the_count_that_went) {
  auto [socket, other] = unix_pair();
  set_send_buffer(socket, 4096);
  const std::string text = pattern(1 << 20);
  recorded_send send(socket, text);
  submit(send);
  idle_turns();
  ASSERT_FALSE(send.idle());
  stop(send);
  EXPECT_EQ(send.outcomes.size(), 1U);
  ASSERT_GT(send.last(), 0);
  ASSERT_LT(send.last(), static_cast<int>(text.size()));
  std::string got;
  for (std::string some = other.read(); !some.empty(); some = other.read()) got += some;
  EXPECT_TRUE(got == text.substr(0, static_cast<std::size_t>(send.last())));
}

TEST_P(backend_test, a_send_that_waited_from_the_start_is_cancelled) {
  auto [socket, other] = unix_pair();
  const std::string text = pattern(4 << 20);
  while (::send(socket, text.data(), text.size(), MSG_DONTWAIT) > 0) {
  }
  const std::string large(16384, 'x');
  recorded_send send(socket, large);
  submit(send);
  idle_turns();
  ASSERT_FALSE(send.idle());
  stop(send);
  EXPECT_EQ(send.last(), -ECANCELED);
  EXPECT_EQ(send.outcomes.size(), 1U);
}

TEST_P(backend_test, sending_and_receiving_on_one_socket_at_a_time) {
  auto [socket, other] = tcp_pair();
  set_send_buffer(socket, 4096);
  recorded<receive_operation> receive(socket);
  submit(receive);
  const std::string text = pattern(1 << 20);
  recorded_send send(socket, text);
  submit(send);
  std::string got;
  std::string given;
  ASSERT_TRUE(until([&] {
    got += other.read();
    if (given.size() < 1000) {
      other.send("abc");
      given += "abc";
    }
    return got.size() == text.size() && send.ended() && receive.bytes.size() >= 1000 &&
           receive.bytes == given;
  }));
  EXPECT_TRUE(got == text);
  stop(receive);
}

TEST_P(backend_test, bytes_go_out_after_the_peer_has_ended_its_side) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  other.send("question");
  ::shutdown(other.get(), SHUT_WR);
  ASSERT_TRUE(until([&] { return receive.ended(); }));
  EXPECT_EQ(receive.bytes, "question");
  const std::string text = "answer";
  recorded_send send(socket, text);
  EXPECT_EQ(run(send), 6);
  EXPECT_EQ(other.read(), text);
}

}  // namespace myra::io
