// Spinning before sleeping, on every backend.
#pragma once

#include <atomic>
#include <ctime>
#include <thread>

#include "myra/io/backend_fixture_test.hpp"

namespace myra::io {

/// Spins for two seconds: longer than anything here takes.
class long_spin_test : public backend_test {};
/// Spins for a millisecond: shorter than anything here takes.
class short_spin_test : public backend_test {};

/// What this thread has used of the processor.
inline duration thread_time() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

TEST_P(long_spin_test, what_comes_meanwhile_is_found_without_sleeping) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  turn(1ms);
  const std::uint64_t sleeps = engine->counters().sleeps;
  for (int i = 0; i < 3; ++i) {
    std::thread later([&] {
      std::this_thread::sleep_for(5ms);
      other.send("x");
    });
    turn(4s);
    later.join();
  }
  EXPECT_EQ(receive.bytes, "xxx");
  EXPECT_EQ(engine->counters().sleeps, sleeps);
  stop(receive);
}

TEST_P(long_spin_test, what_was_submitted_goes_out_before_the_spin) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive(socket);
  recorded<send_operation> send(socket);
  const std::string text = "question";
  send.data = data_of(text);
  send.size = static_cast<std::uint32_t>(text.size());
  send.silent = true;
  submit(receive);
  submit(send);
  std::thread answering([&] {
    pollfd readable{other.get(), POLLIN, 0};
    ::poll(&readable, 1, 1000);
    if (other.read() == text) other.send("answer");
  });
  ASSERT_TRUE(until([&] { return receive.bytes == "answer" && send.idle(); }));
  answering.join();
  EXPECT_EQ(send.last(), 8);
  EXPECT_EQ(engine->counters().sleeps, 0U);
  stop(receive);
}

TEST_P(long_spin_test, a_wake_ends_it) {
  turn(1ms);
  std::thread later([&] {
    std::this_thread::sleep_for(5ms);
    engine->wake();
  });
  const time_point began = clock::now();
  turn(4s);
  later.join();
  EXPECT_LT(clock::now() - began, 1900ms);
  EXPECT_EQ(engine->counters().sleeps, 0U);
}

TEST_P(long_spin_test, a_deadline_ends_it) {
  for (duration patience : {duration(1ms), duration(20ms), duration(1500us)}) {
    const time_point began = clock::now();
    turn(patience);
    EXPECT_GE(clock::now() - began, patience);
    EXPECT_LT(clock::now() - began, 1900ms);
  }
  EXPECT_EQ(engine->counters().sleeps, 0U);
}

TEST_P(long_spin_test, no_wait_without_a_deadline_to_wait_for) {
  const time_point began = clock::now();
  for (int i = 0; i < 100; ++i) turn(0ms);
  EXPECT_LT(clock::now() - began, 1900ms);
}

TEST_P(short_spin_test, a_quiet_wait_ends_up_asleep) {
  turn(1ms);
  const std::uint64_t sleeps = engine->counters().sleeps;
  const duration used = thread_time();
  const time_point began = clock::now();
  turn(200ms);
  EXPECT_GE(clock::now() - began, 200ms);
  EXPECT_LT(thread_time() - used, 100ms);
  EXPECT_EQ(engine->counters().sleeps, sleeps + 1);
}

TEST_P(short_spin_test, what_comes_later_ends_the_sleep) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  turn(1ms);
  const std::uint64_t sleeps = engine->counters().sleeps;
  std::thread later([&] {
    std::this_thread::sleep_for(50ms);
    other.send("x");
  });
  const time_point began = clock::now();
  turn(4s);
  EXPECT_LT(clock::now() - began, 2s);
  later.join();
  EXPECT_EQ(receive.bytes, "x");
  EXPECT_EQ(engine->counters().sleeps, sleeps + 1);
  stop(receive);
}

}  // namespace myra::io
