// The cases for every backend, on epoll; then what is epoll's own.
#include "myra/io/epoll/epoll_backend.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "myra/core/allocation_count_test.hpp"
#include "myra/io/backend_connect_test.hpp"
#include "myra/io/backend_control_test.hpp"
#include "myra/io/backend_datagram_receive_test.hpp"
#include "myra/io/backend_datagram_send_test.hpp"
#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/backend_receive_test.hpp"
#include "myra/io/backend_send_test.hpp"
#include "myra/io/backend_waiting_test.hpp"
#include "myra/io/epoll/busy_poll.hpp"

namespace myra::io {
namespace {

opened<std::unique_ptr<backend>> open_epoll(buffer_pool& pool) {
  return epoll_backend::open({}, pool);
}

backend_maker spinning(std::string name, duration spin_time) {
  return {std::move(name), [spin_time](buffer_pool& pool) -> opened<std::unique_ptr<backend>> {
            auto made = epoll_backend::open(
                {.wait = waiting::spin_then_block, .spin_time = spin_time}, pool);
            if (!made) return std::unexpected(std::move(made.error()));
            return std::unique_ptr<backend>(std::move(*made));
          }};
}

class epoll_backend_test : public backend_test {
 protected:
  [[nodiscard]] std::uint64_t entries() const { return engine->counters().kernel_entries; }
};

TEST(epoll_busy_poll, is_told_to_the_kernel) {
  pool_options of_pool;
  of_pool.slot_count_initial = of_pool.slot_count_max = 4;
  const auto pool = buffer_pool::open(of_pool);
  ASSERT_TRUE(pool);
  const auto made = epoll_backend::open({.busy_poll = 70us, .prefer_busy_poll = true}, **pool);
  ASSERT_TRUE(made);
  if (!(*made)->busy_polling()) GTEST_SKIP() << "EPIOCSPARAMS needs Linux 6.9";
  epoll_parameters set{};
  ASSERT_EQ(::ioctl((*made)->descriptor(), get_epoll_parameters, &set), 0);
  EXPECT_EQ(set.busy_poll_us, 70U);
  EXPECT_EQ(set.prefer_busy_poll, 1);
}

/// Sends back what comes, as a server does: silently, one send for each message.
struct echo_connection {
  echo_connection(backend& made_on, int socket)
      : engine(made_on), receive(this, socket), send(this, socket) {}

  struct receiving : receive_operation {
    receiving(echo_connection* owner, int socket)
        : receive_operation(&receiving::received), connection(*owner) {
      descriptor = socket;
    }
    static void received(operation& completed, completion& what) noexcept {
      echo_connection& connection = static_cast<receiving&>(completed).connection;
      if (what.result <= 0) return;
      connection.held = std::move(what.bytes);
      connection.send.data = connection.held.bytes().data();
      connection.send.size = connection.held.size();
      connection.engine.submit(connection.send);
    }
    echo_connection& connection;
  };
  struct sending : send_operation {
    sending(echo_connection* owner, int socket)
        : send_operation(&sending::sent), connection(*owner) {
      descriptor = socket;
      silent = true;
    }
    static void sent(operation& completed, completion& what) noexcept {
      echo_connection& connection = static_cast<sending&>(completed).connection;
      connection.held.release();
      if (what.result > 0) ++connection.echoed;
    }
    echo_connection& connection;
  };

  backend& engine;
  receiving receive;
  sending send;
  buffer held;
  int echoed = 0;
};

TEST_P(epoll_backend_test, steady_state_costs_two_entries_a_message_and_no_allocation) {
  constexpr std::size_t connection_count = 50;
  constexpr int rounds = 100;
  std::vector<std::unique_ptr<echo_connection>> connections;
  for (std::size_t i = 0; i < connection_count; ++i) {
    auto [socket, other] = tcp_pair();
    connections.push_back(std::make_unique<echo_connection>(*engine, socket));
    engine->submit(connections.back()->receive);
    peers.push_back(std::move(other));
  }
  turn(1ms);
  backend_counters before;
  std::uint64_t allocations_before = 0;
  const std::string ping(64, 'p');
  std::array<char, 64> pong{};
  for (int round = 0; round < rounds + 1; ++round) {
    if (round == 1) {  // the first one warms up
      before = engine->counters();
      allocations_before = test::allocation_count();
    }
    for (const peer& each : peers) ASSERT_EQ(::send(each.get(), ping.data(), 64, 0), 64);
    const auto echoed = [&] {
      return std::all_of(connections.begin(), connections.end(),
                         [&](const auto& each) { return each->echoed == round + 1; });
    };
    while (!echoed()) turn(0ms);
    for (const peer& each : peers) ASSERT_EQ(::recv(each.get(), pong.data(), 64, MSG_WAITALL), 64);
  }
  EXPECT_EQ(test::allocation_count(), allocations_before);
  const backend_counters after = engine->counters();
  // One recv and one send a message, and one epoll_wait a turn, whatever the number of messages.
  EXPECT_EQ(after.kernel_entries - before.kernel_entries - (after.waits - before.waits),
            2 * rounds * connection_count);
  for (auto& each : connections) engine->cancel(each->receive);
  turn(0ms);
}

TEST_P(epoll_backend_test, a_connection_is_registered_once_and_for_writing_when_it_must_wait) {
  auto [socket, other] = tcp_pair();
  recorded<receive_operation> receive(socket);
  receive.multishot = false;
  submit(receive);
  std::uint64_t before = entries();
  turn(1ms);
  EXPECT_EQ(entries() - before, 3U);  // the table's first growth, epoll_ctl, epoll_wait
  other.send("x");
  before = entries();
  turn(1s);
  EXPECT_EQ(entries() - before, 2U);  // epoll_wait, recv
  submit(receive);
  before = entries();
  turn(1ms);
  EXPECT_EQ(entries() - before, 1U);
  const std::string text = pattern(8 << 20);
  recorded<send_operation> send(socket);
  send.data = data_of(text);
  send.size = static_cast<std::uint32_t>(text.size());
  submit(send);
  before = entries();
  turn(0ms);
  EXPECT_EQ(entries() - before, 3U);  // send, epoll_ctl, epoll_wait
  stop(send);
  stop(receive);
}

TEST_P(epoll_backend_test, a_receive_that_used_up_its_share_is_cancelled_in_between) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  turn(1ms);
  other.send(pattern(40 * slot_size));
  await_bytes(socket, 40 * slot_size);
  turn(1s);
  ASSERT_EQ(receive.outcomes.size(), 32U);
  EXPECT_TRUE(engine->pending());
  engine->cancel(receive);
  turn(1s);
  EXPECT_TRUE(receive.idle());
  EXPECT_EQ(receive.outcomes.size(), 33U);
  EXPECT_EQ(receive.last(), -ECANCELED);
}

TEST_P(epoll_backend_test, one_reader_and_one_writer_at_a_time) {
  auto [socket, other] = unix_pair();
  set_send_buffer(socket, 4096);
  recorded<receive_operation> first(socket);
  recorded<receive_operation> second(socket);
  submit(first);
  EXPECT_EQ(run(second), -EBUSY);
  const std::string text = pattern(1 << 20);
  recorded<send_operation> waits(socket);
  recorded<send_operation> overtakes(socket);
  for (auto* send : {&waits, &overtakes}) {
    send->data = data_of(text);
    send->size = static_cast<std::uint32_t>(text.size());
  }
  submit(waits);
  EXPECT_EQ(run(overtakes), -EBUSY);
  EXPECT_FALSE(waits.idle());
  stop(first);
  stop(waits);
}

TEST_P(epoll_backend_test, a_late_event_is_counted) {
  auto [first, first_peer] = unix_pair();
  auto [second, second_peer] = unix_pair();
  recorded<receive_operation> receive(first);
  recorded<receive_operation> idle(second);
  submit(receive);
  submit(idle);
  turn(1ms);
  stop(idle);
  receive.then = [&, closed = second] {
    if (receive.outcomes.size() == 1) close_now(closed);
  };
  first_peer.send("x");
  second_peer.send("y");
  turn(1s);
  EXPECT_EQ(engine->counters().late_completions, 1U);
  stop(receive);
}

TEST_P(epoll_backend_test, spinning_never_sleeps) {
  auto made = epoll_backend::open({.wait = waiting::spin}, *pool);
  ASSERT_TRUE(made);
  const time_point began = clock::now();
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE((*made)->wait(never, clock::now()));
    (*made)->deliver();
  }
  EXPECT_LT(clock::now() - began, 1s);
}

TEST_P(epoll_backend_test, says_why_it_cannot_be_opened) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next_free = ::dup(0);
  ::close(next_free);
  for (int left : {0, 1}) {
    const rlimit limit{static_cast<rlim_t>(next_free + left), before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    auto made = epoll_backend::open({}, *pool);
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().code == condition::resource_exhausted);
  }
}

#ifndef NDEBUG
using epoll_backend_death_test = epoll_backend_test;

TEST_P(epoll_backend_death_test, submitting_twice_asserts) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  EXPECT_DEATH(engine->submit(receive), "submitted twice");
  stop(receive);
}

TEST_P(epoll_backend_death_test, closing_under_an_operation_asserts) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  turn(1ms);
  EXPECT_DEATH(engine->sockets().close(receive.descriptor), "closed with operations in flight");
  stop(receive);
}

TEST_P(epoll_backend_death_test, ending_with_operations_in_flight_asserts) {
  auto [socket, other] = unix_pair();
  recorded<receive_operation> receive(socket);
  submit(receive);
  turn(1ms);
  EXPECT_DEATH(engine.reset(), "destroyed with operations in flight");
  stop(receive);
}

INSTANTIATE_TEST_SUITE_P(epoll, epoll_backend_death_test,
                         testing::Values(backend_maker{"epoll", &open_epoll}), name_of_maker);
#endif

}  // namespace

INSTANTIATE_TEST_SUITE_P(epoll, epoll_backend_test,
                         testing::Values(backend_maker{"epoll", &open_epoll}), name_of_maker);
INSTANTIATE_TEST_SUITE_P(epoll, backend_test,
                         testing::Values(backend_maker{"epoll", &open_epoll},
                                         spinning("epoll_spin_then_block", 50us)),
                         name_of_maker);
INSTANTIATE_TEST_SUITE_P(epoll, long_spin_test, testing::Values(spinning("epoll", 2s)),
                         name_of_maker);
INSTANTIATE_TEST_SUITE_P(epoll, short_spin_test, testing::Values(spinning("epoll", 1ms)),
                         name_of_maker);
INSTANTIATE_TEST_SUITE_P(epoll, datagram_receive_test,
                         testing::Values(backend_maker{"epoll", &open_epoll}), name_of_maker);
INSTANTIATE_TEST_SUITE_P(epoll, datagram_send_test,
                         testing::Values(backend_maker{"epoll", &open_epoll}), name_of_maker);
INSTANTIATE_TEST_SUITE_P(epoll, full_datagram_socket_test,
                         testing::Values(backend_maker{"epoll", &open_epoll}), name_of_maker);

}  // namespace myra::io
