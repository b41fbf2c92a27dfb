// What is neither receiving nor sending, on every backend: poll, shutdown, close, waiting, waking.
#pragma once

#include <signal.h>
#include <sys/time.h>

#include <algorithm>
#include <thread>

#include "myra/io/backend_fixture_test.hpp"

namespace myra::io {

using recorded_poll = recorded<poll_operation>;

inline void write_event(int descriptor) {
  const std::uint64_t one = 1;
  ASSERT_EQ(::write(descriptor, &one, sizeof one), 8);
}

TEST_P(backend_test, poll_completes_with_the_events_that_came) {
  const int event = ours(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  recorded_poll poll(event);
  poll.events = POLLIN;
  submit(poll);
  idle_turns();
  EXPECT_FALSE(poll.idle());
  write_event(event);
  ASSERT_TRUE(until([&] { return poll.idle(); }));
  EXPECT_EQ(poll.last(), POLLIN);
  // Still readable: it completes at once.
  EXPECT_EQ(run(poll), POLLIN);
  poll.events = POLLOUT;
  EXPECT_EQ(run(poll), POLLOUT);
}

TEST_P(backend_test, multishot_poll_reports_every_write) {
  const int event = ours(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  recorded_poll poll(event);
  poll.events = POLLIN;
  poll.multishot = true;
  submit(poll);
  turn(1ms);
  for (std::size_t i = 1; i <= 3; ++i) {
    write_event(event);
    ASSERT_TRUE(until([&] { return poll.outcomes.size() == i; }));
    EXPECT_EQ(poll.last(), POLLIN);
    EXPECT_TRUE(poll.outcomes.back().more);
    idle_turns();
  }
  stop(poll);
  EXPECT_EQ(poll.last(), -ECANCELED);
  EXPECT_FALSE(poll.outcomes.back().more);
}

TEST_P(backend_test, several_polls_of_one_descriptor) {
  auto [socket, other] = unix_pair();
  recorded_poll in(socket);
  recorded_poll out(socket);
  recorded_poll another(socket);
  in.events = another.events = POLLIN;
  out.events = POLLOUT;
  submit(in);
  submit(out);
  submit(another);
  ASSERT_TRUE(until([&] { return out.idle(); }));
  EXPECT_EQ(out.last(), POLLOUT);
  EXPECT_FALSE(in.idle());
  in.then = [&] { engine->cancel(another); };
  another.then = [&] { engine->cancel(in); };
  other.send("x");
  ASSERT_TRUE(until([&] { return in.idle() && another.idle(); }));
  EXPECT_EQ(in.outcomes.size(), 1U);
  EXPECT_EQ(another.outcomes.size(), 1U);
  EXPECT_TRUE(in.last() == POLLIN || another.last() == POLLIN);
}

TEST_P(backend_test, poll_tells_of_a_hang_up_unasked) {
  auto [socket, other] = unix_pair();
  recorded_poll poll(socket);
  poll.events = POLLPRI;
  submit(poll);
  idle_turns();
  EXPECT_FALSE(poll.idle());
  other.close();
  ASSERT_TRUE(until([&] { return poll.idle(); }));
  EXPECT_EQ(poll.last() & POLLHUP, POLLHUP);
}

TEST_P(backend_test, poll_of_a_regular_file_is_ready_at_once) {
  const int file = ours(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  recorded_poll poll(file);
  poll.events = POLLIN;
  EXPECT_EQ(run(poll), POLLIN);
}

TEST_P(backend_test, poll_of_a_descriptor_that_was_closed_and_made_anew_by_others) {
  for (int i = 0; i < 3; ++i) {
    const int event = ::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    recorded_poll poll(event);
    poll.events = POLLIN;
    EXPECT_EQ(run(poll), POLLIN);
    ::close(event);
  }
  recorded_poll closed(-1);
  EXPECT_EQ(run(closed), -EBADF);
}

TEST_P(backend_test, shutdown_ends_the_stream_for_the_peer) {
  auto [socket, other] = tcp_pair();
  recorded<shutdown_operation> shutdown(socket);
  EXPECT_EQ(run(shutdown), 0);
  EXPECT_TRUE(other.at_end());
  other.send("still heard");
  recorded<receive_operation> receive(socket);
  receive.multishot = false;
  EXPECT_EQ(run(receive), 11);
}

TEST_P(backend_test, shutdown_ends_a_waiting_receive) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  idle_turns();
  recorded<shutdown_operation> shutdown(socket);
  shutdown.how = SHUT_RD;
  EXPECT_EQ(run(shutdown), 0);
  ASSERT_TRUE(until([&] { return receive.idle(); }));
  EXPECT_EQ(receive.last(), 0);
}

TEST_P(backend_test, shutdown_of_what_is_not_connected) {
  recorded<shutdown_operation> shutdown(ours(engine->sockets().open(AF_INET, SOCK_STREAM, 0)));
  EXPECT_EQ(run(shutdown), -ENOTCONN);
}

TEST_P(backend_test, close_ends_the_connection_for_the_peer) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  idle_turns();
  stop(receive);
  recorded<close_operation> close(socket);
  disown(socket);
  EXPECT_EQ(run(close), 0);
  EXPECT_TRUE(other.at_end());
  EXPECT_EQ(run(close), -EBADF);
}

TEST_P(backend_test, a_descriptor_number_is_used_again) {
  for (bool by_operation : {false, true}) {
    int before = -1;
    for (int i = 0; i < 50; ++i) {
      auto [socket, other] = tcp_pair();
      EXPECT_TRUE(before < 0 || before == socket);
      before = socket;
      recorded<receive_operation> receive(socket);
      submit(receive);
      turn(1ms);
      other.send("a");
      ASSERT_TRUE(until([&] { return receive.bytes == "a"; }));
      stop(receive);
      other.send("never read");
      if (by_operation) {
        recorded<close_operation> close(socket);
        disown(socket);
        EXPECT_EQ(run(close), 0);
      } else {
        close_now(socket);
      }
    }
  }
}

TEST_P(backend_test, an_event_of_a_descriptor_that_a_handler_closed_is_nobodys) {
  auto [first, first_peer] = unix_pair();
  auto [second, second_peer] = unix_pair();
  recorded<receive_operation> warm(second);
  submit(warm);
  idle_turns();
  stop(warm);
  recorded<receive_operation> receive(first);
  int made = -1;
  receive.then = [&, old = second] {
    if (made >= 0) return;
    close_now(old);
    made = ours(engine->sockets().open(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(made, old);
  };
  submit(receive);
  turn(1ms);
  first_peer.send("x");
  second_peer.send("y");
  ASSERT_TRUE(until([&] { return made >= 0; }));
  sockaddr_in address;
  tcp_listener(address);
  recorded<connect_operation> connect(made);
  connect.address = as_address(address);
  connect.address_size = sizeof address;
  EXPECT_EQ(run(connect), 0);
  stop(receive);
}

TEST_P(backend_test, a_wait_lasts_until_its_deadline) {
  for (duration patience : {duration(1ms), duration(20ms), duration(1500us)}) {
    const time_point began = clock::now();
    turn(patience);
    EXPECT_GE(clock::now() - began, patience);
  }
  const time_point began = clock::now();
  for (int i = 0; i < 100; ++i) turn(0ms);
  EXPECT_LT(clock::now() - began, 2s);
}

TEST_P(backend_test, a_wait_ends_when_something_completes) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  turn(1ms);
  std::thread later([&] {
    std::this_thread::sleep_for(20ms);
    other.send("x");
  });
  const time_point began = clock::now();
  turn(4s);
  EXPECT_LT(clock::now() - began, 2s);
  later.join();
  EXPECT_EQ(receive.bytes, "x");
  stop(receive);
}

TEST_P(backend_test, wake_ends_a_wait_from_another_thread) {
  idle_turns();
  for (int i = 0; i < 3; ++i) {
    std::thread other([&] {
      std::this_thread::sleep_for(20ms);
      engine->wake();
    });
    const time_point began = clock::now();
    turn(4s);
    EXPECT_LT(clock::now() - began, 2s);
    other.join();
  }
  EXPECT_GE(engine->counters().wakes, 3U);
}

TEST_P(backend_test, wake_before_the_wait_ends_it) {
  idle_turns();
  for (int i = 0; i < 10; ++i) engine->wake();
  const time_point began = clock::now();
  turn(4s);
  EXPECT_LT(clock::now() - began, 2s);
  turn(1ms);
  const time_point quiet = clock::now();
  turn(20ms);
  EXPECT_GE(clock::now() - quiet, 20ms);
}

TEST_P(backend_test, no_wake_is_lost) {
  idle_turns();
  constexpr int count = 2000;
  std::atomic<int> published{0};
  std::atomic<int> seen{0};
  std::thread other([&] {
    for (int i = 1; i <= count; ++i) {
      published.store(i);
      engine->wake();
      while (seen.load() < i) std::this_thread::yield();
    }
  });
  // A wake that is lost costs its turn all of the ten seconds; how long they take together says no
  // more than how busy the machine is.
  duration longest = duration::zero();
  const time_point began = clock::now();
  while (seen.load() < count && clock::now() - began < 60s) {
    const time_point turn_began = clock::now();
    turn(10s);
    longest = std::max<duration>(longest, clock::now() - turn_began);
    seen.store(published.load());
  }
  EXPECT_LT(longest, 9s);
  seen.store(count);
  other.join();
}

TEST_P(backend_test, a_signal_ends_a_wait_without_an_error) {
  idle_turns();
  struct sigaction counted{};
  counted.sa_handler = [](int) {};
  struct sigaction before{};
  ::sigaction(SIGALRM, &counted, &before);
  const itimerval soon{{0, 0}, {0, 20000}};
  const time_point began = clock::now();
  ::setitimer(ITIMER_REAL, &soon, nullptr);
  turn(4s);
  EXPECT_LT(clock::now() - began, 2s);
  ::sigaction(SIGALRM, &before, nullptr);
}

TEST_P(backend_test, its_descriptor_is_readable_when_there_is_something_to_deliver) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  idle_turns();
  pollfd foreign{engine->descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&foreign, 1, 0), 0);
  other.send("x");
  EXPECT_EQ(::poll(&foreign, 1, 2000), 1);
  turn(0ms);
  EXPECT_EQ(receive.bytes, "x");
  std::thread([&] { engine->wake(); }).join();
  EXPECT_EQ(::poll(&foreign, 1, 2000), 1);
  turn(0ms);
  EXPECT_EQ(::poll(&foreign, 1, 0), 0);
  stop(receive);
}

TEST_P(backend_test, echo_by_handlers_alone) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive(socket);
  recorded<send_operation> send(socket);
  send.silent = true;
  receive.then = [&] {
    if (receive.last() <= 0) return;
    send.data = data_of(receive.bytes);
    send.size = static_cast<std::uint32_t>(receive.bytes.size());
    submit(send);
  };
  send.then = [&] { receive.bytes.clear(); };
  submit(receive);
  for (int i = 0; i < 200; ++i) {
    const std::string text = "ping " + std::to_string(i);
    other.send(text);
    std::string back;
    ASSERT_TRUE(until([&] {
      back += other.read();
      return back.size() == text.size() && send.idle();
    }));
    ASSERT_EQ(back, text);
  }
  const backend_counters counted = engine->counters();
  EXPECT_EQ(counted.silent_sends, GetParam().submission_polling ? 0U : 200U);
  EXPECT_GE(counted.kernel_entries, 200U);
  stop(receive);
}

TEST_P(backend_test, what_was_submitted_completes) {
  auto [socket, other] = tcp_pair();
  const std::string text = "x";
  for (int i = 0; i < 10; ++i) {
    recorded<send_operation> send(socket);
    send.data = data_of(text);
    send.size = 1;
    EXPECT_EQ(run(send), 1);
  }
  const backend_counters counted = engine->counters();
  EXPECT_EQ(counted.submissions, 10U);
  EXPECT_EQ(counted.completions, 10U);
}

}  // namespace myra::io
