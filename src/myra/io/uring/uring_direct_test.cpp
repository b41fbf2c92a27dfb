// Direct descriptors: the table when it is empty, nearly full and full, and what is asked of a
// socket that has no number.
#include <sys/resource.h>

#include <algorithm>
#include <deque>

#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/kernel_version_test.hpp"
#include "myra/io/uring/close_trial.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {
namespace {

backend_maker table_of(unsigned places, unsigned ring_entries = 1024) {
  uring_options options;
  options.receive_buffer_count = 16;
  options.direct_descriptor_count = places;
  options.submission_entries = ring_entries;
  options.completion_entries = ring_entries;
  return {"table_of_" + std::to_string(places),
          [options](buffer_pool& pool) -> opened<std::unique_ptr<backend>> {
            auto made = uring_backend::open(options, pool);
            if (!made) return std::unexpected(std::move(made.error()));
            if (!(*made)->direct().exists())
              return report(std::make_error_code(std::errc::not_supported),
                            "direct descriptors: " + (*made)->direct().absence());
            return std::unique_ptr<backend>(std::move(*made));
          }};
}

class direct_test : public backend_test {
 protected:
  [[nodiscard]] backend_counters counted() const { return engine->counters(); }

  void connect_many(const sockaddr_in& to, int count) {
    for (int i = 0; i < count; ++i) peers.push_back(connect_to(to));
  }
  /// Turns until `accept` has brought so many, submitting it whenever it has ended.
  void accept_until(recorded_accept& accept, std::size_t count) {
    ASSERT_TRUE(until([&] {
      if (accept.idle() && accept.sockets().size() < count) submit(accept);
      return accept.sockets().size() == count;
    })) << accept.sockets().size();
  }
  static std::ptrdiff_t direct_count(const recorded_accept& accept) {
    return std::ranges::count_if(accept.sockets(), &descriptor::is_direct);
  }
  void close_all(const recorded_accept& accept) {
    for (const descriptor each : accept.sockets()) ours(each);
  }
  /// A direct descriptor, connected to the last of the peers.
  descriptor accept_one() {
    sockaddr_in address;
    recorded_accept accept(tcp_listener(address));
    accept.multishot = false;
    peers.push_back(connect_to(address));
    EXPECT_GE(run(accept), 0);
    EXPECT_TRUE(accept.last_socket().is_direct());
    return accept.last_socket();
  }
};

struct small_table_test : direct_test {};
struct table_test : direct_test {};
struct small_ring_test : direct_test {};
struct roomy_small_ring_test : direct_test {};

TEST(descriptor, tells_a_number_from_a_place_in_the_table) {
  constexpr descriptor none;
  constexpr descriptor ordinary = 7;
  constexpr auto direct = descriptor::direct(7);
  static_assert(!none.valid() && !none.is_direct() && none.number() == -1);
  static_assert(descriptor(-9) == none, "a system call that failed gave no descriptor");
  static_assert(ordinary.valid() && !ordinary.is_direct() && ordinary.number() == 7);
  static_assert(direct.valid() && direct.is_direct() && direct.slot() == 7);
  static_assert(ordinary != direct && direct == descriptor::direct(7));
  static_assert(descriptor::direct(0).valid() && descriptor::direct(0).in_table() == 1);
  static_assert(ordinary.in_table() == 0 && ordinary.number_or_slot() == 7);
}

TEST(descriptor_death_test, a_place_in_the_table_is_never_a_number) {
#ifdef NDEBUG
  GTEST_SKIP() << "asserts only in debug builds";
#else
  EXPECT_DEATH(static_cast<void>(descriptor::direct(3).number()), "taken for a number");
#endif
}

TEST_P(small_table_test, full_it_gives_ordinary_descriptors_and_loses_nobody) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  connect_many(address, 8);
  accept_until(accept, 8);
  EXPECT_EQ(direct_count(accept), 5);
  EXPECT_EQ(counted().direct_open, 5U);
  EXPECT_EQ(counted().direct_full, 3U);
  EXPECT_EQ(counted().direct_lost, 0U);
  const descriptor leaving = accept.sockets()[2];
  ASSERT_TRUE(leaving.is_direct());
  engine->sockets().close(leaving);
  ASSERT_TRUE(until([&] { return counted().direct_open == 4; }));
  connect_many(address, 1);
  accept_until(accept, 9);
  EXPECT_EQ(accept.last_socket(), leaving) << "the place that became free";
  stop(accept);
  accept.outcomes.erase(accept.outcomes.begin() + 2);
  close_all(accept);
}

TEST_P(small_table_test, two_listeners_never_want_the_same_last_place) {
  sockaddr_in first_address;
  sockaddr_in second_address;
  recorded_accept first(tcp_listener(first_address));
  recorded_accept second(tcp_listener(second_address));
  first.multishot = second.multishot = false;
  connect_many(first_address, 4);
  accept_until(first, 4);
  submit(first);  // the last place is reserved for it
  submit(second);
  turn(1ms);
  connect_many(second_address, 1);
  connect_many(first_address, 1);
  accept_until(second, 1);
  accept_until(first, 5);
  EXPECT_FALSE(second.last_socket().is_direct());
  EXPECT_TRUE(first.last_socket().is_direct());
  EXPECT_EQ(counted().direct_lost, 0U);
  close_all(first);
  close_all(second);
}

TEST_P(small_table_test, a_cancelled_accept_gives_its_place_back) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  for (int i = 0; i < 12; ++i) {
    submit(accept);
    if (i % 2 == 0) turn(1ms);
    stop(accept);
    EXPECT_EQ(accept.last(), -ECANCELED);
  }
  connect_many(address, 5);
  accept_until(accept, 5);
  EXPECT_EQ(direct_count(accept), 5);
  stop(accept);
  close_all(accept);
}

TEST_P(small_table_test, close_empties_its_place) {
  for (int i = 0; i < 12; ++i) {
    recorded<close_operation> close(accept_one());
    EXPECT_EQ(counted().direct_open, 1U);
    EXPECT_EQ(run(close), 0);
    EXPECT_EQ(counted().direct_open, 0U);
    EXPECT_TRUE(peers.back().at_end());
    EXPECT_EQ(run(close), -EBADF) << "closed twice";
    EXPECT_EQ(counted().direct_open, 0U);
  }
  EXPECT_EQ(counted().direct_opened, 12U);
}

TEST_P(small_table_test, a_place_is_used_again_only_when_nothing_is_in_flight_on_it) {
  for (int i = 0; i < 8; ++i) {
    const descriptor socket = accept_one();
    recorded<receive_operation> receive(socket);
    recorded<poll_operation> poll(socket);
    poll.events = POLLIN;
    submit(receive);
    submit(poll);
    turn(1ms);
    if (i % 2 == 0) peers.back().send("late");
    stop(receive);
    stop(poll);
    recorded<close_operation> close(socket);
    EXPECT_EQ(run(close), 0);
  }
  EXPECT_EQ(counted().late_completions, 0U);
}

TEST_P(small_table_test, a_real_descriptor_is_made_on_demand) {
  const descriptor socket = accept_one();
  const int number = engine->sockets().duplicate(socket);
  ASSERT_GE(number, 0);
  EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
  engine->sockets().close(socket);
  ASSERT_TRUE(until([&] { return counted().direct_open == 0; }));
  const peer real(number);
  peers.back().send("to a number");
  await_bytes(number, 11);
  EXPECT_EQ(real.read(), "to a number");
  EXPECT_EQ(counted().direct_installed, 1U);
}

TEST_P(small_table_test, options_and_addresses_are_those_of_its_socket) {
  const descriptor socket = accept_one();
  ours(socket);
  network& sockets = engine->sockets();
  const int on = 1;
  EXPECT_EQ(sockets.set_option(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), 0);
  EXPECT_EQ(sockets.set_option(socket, SOL_SOCKET, -1, &on, sizeof on), -ENOPROTOOPT);
  int value = 0;
  socklen_t size = sizeof value;
  EXPECT_EQ(sockets.get_option(socket, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
  EXPECT_EQ(value, 1);
  sockaddr_in told{};
  sockaddr_in expected{};
  size = sizeof told;
  EXPECT_EQ(sockets.peer_address(socket, as_address(told), &size), 0);
  ::getsockname(peers.back().get(), as_address(expected), &size);
  EXPECT_EQ(told.sin_port, expected.sin_port);
  EXPECT_EQ(sockets.local_address(socket, as_address(told), &size), 0);
  ::getpeername(peers.back().get(), as_address(expected), &size);
  EXPECT_EQ(told.sin_port, expected.sin_port);
  const descriptor nobody = descriptor::direct(4);
  EXPECT_EQ(sockets.set_option(nobody, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), -EBADF);
  EXPECT_EQ(sockets.duplicate(nobody), -EBADF);
  EXPECT_EQ(sockets.peer_address(nobody, as_address(told), &size), -EBADF);
}

TEST_P(table_test, a_stream_connects_on_a_place_in_the_table) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  accept.multishot = false;
  descriptor socket;
  ASSERT_EQ(engine->sockets().open_stream(AF_INET, socket), 0);
  ASSERT_TRUE(socket.is_direct());
  EXPECT_EQ(counted().direct_opened, 1U);
  sockaddr_in local = loopback();
  EXPECT_EQ(engine->sockets().bind(socket, as_address(local), sizeof local), 0);
  const auto installed = counted().direct_installed;
  recorded<connect_operation> connect(socket);
  connect.address = as_address(address);
  connect.address_size = sizeof address;
  submit(accept);
  EXPECT_EQ(run(connect), 0);
  ASSERT_TRUE(until([&] { return accept.idle(); }));
  const peer other(real(accept.last_socket()));
  recorded<send_operation> send(socket);
  const std::string text = "by its place";
  send.data = data_of(text);
  send.size = static_cast<std::uint32_t>(text.size());
  EXPECT_EQ(run(send), static_cast<int>(text.size()));
  await_bytes(other.get(), text.size());
  EXPECT_EQ(other.read(), text);
  // The kernel under us may not bind by an operation.
  EXPECT_LE(installed, 1U);
  recorded<close_operation> close(socket);
  EXPECT_EQ(run(close), 0);
  EXPECT_TRUE(other.at_end());
}

TEST_P(table_test, a_listener_may_live_in_the_table) {
  descriptor listening;
  ASSERT_EQ(engine->sockets().open_stream(AF_INET, listening), 0);
  ASSERT_TRUE(listening.is_direct());
  sockaddr_in address = loopback();
  socklen_t size = sizeof address;
  network& sockets = engine->sockets();
  EXPECT_EQ(sockets.bind(listening, as_address(address), size), 0);
  EXPECT_EQ(sockets.listen(listening, 16), 0);
  EXPECT_EQ(sockets.local_address(listening, as_address(address), &size), 0);
  EXPECT_EQ(sockets.accept_waiting(listening), -EAGAIN);
  recorded_accept accept(listening);
  connect_many(address, 3);
  accept_until(accept, 3);
  EXPECT_EQ(direct_count(accept), 3);
  stop(accept);
  connect_many(address, 1);
  const int last = sockets.accept_waiting(listening);
  EXPECT_GE(last, 0);
  ours(last);
  sockaddr_in taken = loopback();
  taken.sin_port = address.sin_port;
  descriptor second;
  ASSERT_EQ(sockets.open_stream(AF_INET, second), 0);
  EXPECT_EQ(sockets.bind(second, as_address(taken), sizeof taken), -EADDRINUSE);
  close_all(accept);
  sockets.close(second);
  sockets.close(listening);
}

TEST_P(small_table_test, a_stream_leaves_the_last_places_to_accepts) {
  descriptor socket;
  ASSERT_EQ(engine->sockets().open_stream(AF_INET, socket), 0);
  EXPECT_FALSE(socket.is_direct());
  EXPECT_EQ(counted().direct_full, 1U);
  ours(socket);
  EXPECT_EQ(engine->sockets().open_stream(-1, socket), -EAFNOSUPPORT);
  EXPECT_FALSE(socket.valid());
}

TEST_P(roomy_small_ring_test, a_stream_whose_place_is_told_too_late_is_an_ordinary_one) {
  const int event = ours(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  std::deque<recorded<poll_operation>> polls;
  for (int i = 0; i < 8; ++i) {
    polls.emplace_back(event).events = POLLIN;
    submit(polls.back());
  }
  descriptor socket;
  // The eight answers fill the completion queue.
  EXPECT_EQ(engine->sockets().open_stream(AF_INET, socket), 0);
  EXPECT_FALSE(socket.is_direct());
  ours(socket);
  ASSERT_TRUE(until([&] { return std::ranges::all_of(polls, &operation::idle); }));
  idle_turns();
  EXPECT_EQ(counted().direct_open, 0U) << "the place that it was given was emptied";
  ASSERT_EQ(engine->sockets().open_stream(AF_INET, socket), 0);
  EXPECT_TRUE(socket.is_direct()) << "and goes well again";
  ours(socket);
}

TEST_P(table_test, nearly_full_the_accept_goes_on_one_by_one) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  for (std::size_t count = 10; count <= 120; count += 10) {
    connect_many(address, 10);
    accept_until(accept, count);
  }
  EXPECT_EQ(direct_count(accept), 100);
  EXPECT_EQ(counted().direct_full, 20U);
  EXPECT_EQ(counted().direct_lost, 0U);
  for (const outcome& each : accept.outcomes)
    EXPECT_GE(each.result, 0) << "the backend goes on by itself";
  stop(accept);
  close_all(accept);
}

TEST_P(table_test, a_burst_beyond_the_last_places_loses_one_and_counts_it) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address, 256));
  connect_many(address, 150);
  submit(accept);  // multishot: the kernel goes on to the end of the table before anybody looks
  accept_until(accept, 149);
  EXPECT_EQ(direct_count(accept), 100);
  EXPECT_EQ(counted().direct_lost, 1U);
  EXPECT_EQ(counted().direct_full, 49U);
  stop(accept);
  close_all(accept);
}

TEST_P(small_ring_test, a_call_whose_answer_comes_too_late_leaves_nothing_behind) {
  const descriptor socket = accept_one();
  ours(socket);
  idle_turns();
  const int event = ours(::eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK));
  std::deque<recorded<poll_operation>> polls;
  for (int i = 0; i < 8; ++i) {
    polls.emplace_back(event).events = POLLIN;
    submit(polls.back());
  }
  const auto before = open_descriptor_count();
  // The eight answers fill the completion queue.
  EXPECT_EQ(engine->sockets().duplicate(socket), -EBUSY);
  EXPECT_EQ(open_descriptor_count(), before + 1) << "it was made all the same";
  ASSERT_TRUE(until([&] { return std::ranges::all_of(polls, &operation::idle); }));
  ASSERT_TRUE(until([&] { return open_descriptor_count() == before; }));
  const int made = engine->sockets().duplicate(socket);
  EXPECT_GE(made, 0) << "and goes well again";
  ::close(made);
}

TEST(direct_table, is_closed_at_once_from_6_13_on) {
  auto pool = buffer_pool::open({});
  ASSERT_TRUE(pool);
  if (auto made = uring_backend::open({}, **pool); !made) GTEST_SKIP() << describe(made.error());
  EXPECT_EQ(try_direct_close(),
            kernel_is_at_least(6, 13) ? close_trial::immediate : close_trial::late);
}

TEST(direct_table, is_no_larger_than_the_limit_of_descriptors) {
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit little{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &little), 0);
  auto pool = buffer_pool::open({});
  ASSERT_TRUE(pool);
  for (const unsigned asked : {0U, 10U, 1000U}) {
    uring_options options;
    options.direct_descriptor_count = asked;
    auto made = uring_backend::open(options, **pool);
    if (!made) GTEST_SKIP() << describe(made.error());
    if ((*made)->direct().exists())
      EXPECT_EQ((*made)->direct().capacity(), asked == 10 ? 10U : 64U);
    else
      EXPECT_NE((*made)->direct().absence().find("needs Linux 6.13"), std::string::npos);
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
}

INSTANTIATE_TEST_SUITE_P(uring, small_table_test, testing::Values(table_of(5)), name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, table_test, testing::Values(table_of(100)), name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, small_ring_test, testing::Values(table_of(4, 8)), name_of_maker);
INSTANTIATE_TEST_SUITE_P(uring, roomy_small_ring_test, testing::Values(table_of(1000, 8)),
                         name_of_maker);

}  // namespace
}  // namespace myra::io
