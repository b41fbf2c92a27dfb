#include "myra/transport/connector.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <thread>

#include "myra/transport/loopback_test.hpp"

namespace myra {
namespace {

using namespace loopback;

class connector : public on_backends {
 protected:
  /// The raw peers do not close first: nothing to linger for.
  static connect_options quick() {
    connect_options options;
    options.connection.linger_timeout = 20ms;
    return options;
  }

  /// The callback of one attempt: notes what it is told, and that it is told once.
  struct outcome {
    int calls = 0;
    std::optional<result<connection>> told;

    connect_callback note() {
      return [this](result<connection> what) noexcept {
        ++calls;
        told.emplace(std::move(what));
      };
    }
    [[nodiscard]] std::error_code error() const {
      return told && !told->has_value() ? told->error() : std::error_code();
    }
  };

  static outcome connect_and_wait(reactor& on, std::vector<endpoint> to,
                                  const connect_options& options = quick()) {
    outcome noted;
    connect_attempt attempt = connect(on, to, options, noted.note());
    EXPECT_FALSE(attempt.done());
    EXPECT_EQ(noted.calls, 0) << "called back from inside connect";
    turn_until(on, [&] { return attempt.done(); });
    EXPECT_EQ(noted.calls, 1);
    return noted;
  }

  static void expect_connected(const char* address) {
    raw_listener listening(address);
    reactor on = open();
    outcome noted = connect_and_wait(on, {listening.address()});
    ASSERT_TRUE(noted.told->has_value()) << noted.error().message();
    EXPECT_EQ((*noted.told)->peer(), listening.address());
    raw_socket peer = listening.accept();
    noted.told.reset();
    turn_until(on, [&] { return on.internals().drained(); });
    EXPECT_EQ(peer.receive(), "") << "our end follows when the connection is dropped";
  }
};

/// Fails at once, without a packet: TCP has no broadcast.
endpoint unreachable() { return endpoint::parse("255.255.255.255:9").value(); }

TEST_P(connector, connects_over_ipv4) { expect_connected("127.0.0.1:0"); }

TEST_P(connector, connects_over_ipv6) { expect_connected("[::1]:0"); }

TEST_P(connector, connects_over_unix_sockets) {
  const std::string name = "unix:@myra-connector-" + std::to_string(::getpid());
  expect_connected(name.c_str());
}

TEST_P(connector, the_first_bytes_go_with_the_connect) {
  for (const auto kind : {deadline_kind::timer, deadline_kind::linked}) {
    raw_listener listening("127.0.0.1:0");
    reactor on = open();
    connect_options options = quick();
    options.first_send = as_bytes("hello");
    options.first_send_deadline = kind;
    outcome noted = connect_and_wait(on, {unreachable(), listening.address()}, options);
    ASSERT_TRUE(noted.told->has_value()) << noted.error().message();
    raw_socket peer = listening.accept();
    EXPECT_EQ(peer.receive(), "hello");
    (*noted.told)->send_copy(as_bytes(" again"));
    turn_until(on, [&] { return (*noted.told)->queued_bytes() == 0; });
    EXPECT_EQ(peer.receive(), " again");
  }
}

TEST_P(connector, the_first_bytes_are_not_read_after_the_callback) {
  const std::string name = "unix:@myra-connector-" + std::to_string(::getpid());
  raw_listener first((name + "a").c_str());
  raw_listener second((name + "b").c_str());
  reactor on = open();
  std::string bytes = "hello";
  connect_options options = quick();
  options.attempt_delay = 0ms;
  options.first_send = as_bytes(bytes);
  bool called = false;
  connect_attempt attempt = connect(on, std::array{first.address(), second.address()}, options,
                                    [&](result<connection> made) noexcept {
                                      EXPECT_TRUE(made.has_value());
                                      bytes = "XXXXX";
                                      called = true;
                                    });
  std::this_thread::sleep_for(5ms);  // so that both are under way together
  turn_until(on, [&] { return called && on.internals().drained(); });
  int greeted = 0;
  for (const raw_listener* each : {&first, &second})
    while (each->somebody_waits()) {
      const std::string got = each->accept().receive_all();
      EXPECT_TRUE(got.empty() || got == "hello") << got;
      greeted += got == "hello" ? 1 : 0;
    }
  EXPECT_GE(greeted, 1);
}

TEST_P(connector, first_bytes_that_find_nobody_or_come_too_late) {
  raw_listener taken("127.0.0.1:0", 0, false);
  silent_listener silent;
  for (const auto kind : {deadline_kind::timer, deadline_kind::linked}) {
    reactor on = open();
    connect_options options = quick();
    options.first_send = as_bytes("hello");
    options.first_send_deadline = kind;
    EXPECT_EQ(connect_and_wait(on, {taken.address()}, options).error(), condition::refused);
    options.deadline = 30ms;
    const auto late = connect_and_wait(on, {silent.address()}, options).error();
    EXPECT_EQ(late, transport_errc::connect_timeout);
    outcome noted;
    options.deadline = 10s;
    connect_attempt attempt = connect(on, std::array{silent.address()}, options, noted.note());
    ASSERT_TRUE(on.run_once(1ms));
    attempt.cancel();
    turn_until(on, [&] { return attempt.done(); });
    EXPECT_EQ(noted.error(), condition::cancelled);
  }
}

TEST_P(connector, no_address_is_an_error_of_its_own) {
  reactor on = open();
  EXPECT_EQ(connect_and_wait(on, {}).error(), transport_errc::no_address);
}

TEST_P(connector, tells_refusal) {
  raw_listener taken("127.0.0.1:0", 0, false);
  reactor on = open();
  EXPECT_EQ(connect_and_wait(on, {taken.address()}).error(), condition::refused);
}

TEST_P(connector, tells_an_unreachable_address) {
  reactor on = open();
  EXPECT_EQ(connect_and_wait(on, {unreachable()}).error(), condition::unreachable);
}

TEST_P(connector, tells_a_unix_socket_that_is_not_there) {
  reactor on = open();
  const endpoint nowhere = endpoint::parse("unix:@myra-nobody-listens-here").value();
  EXPECT_EQ(connect_and_wait(on, {nowhere}).error(), condition::refused);
}

TEST_P(connector, tells_options_that_are_not_allowed) {
  raw_listener listening("127.0.0.1:0");
  reactor on = open();
  connect_options options = quick();
  options.connection.send_high_water_bytes = 0;
  EXPECT_EQ(connect_and_wait(on, {listening.address()}, options).error(), condition::invalid);
  EXPECT_FALSE(listening.somebody_waits());
}

TEST_P(connector, tells_the_error_of_the_last_address_to_fail) {
  raw_listener taken("[::1]:0", 0, false);
  reactor on = open();
  EXPECT_EQ(connect_and_wait(on, {unreachable(), taken.address()}).error(), condition::refused);
  EXPECT_EQ(connect_and_wait(on, {taken.address(), unreachable()}).error(), condition::unreachable);
}

TEST_P(connector, goes_on_at_once_when_an_address_fails) {
  raw_listener taken("[::1]:0", 0, false);
  raw_listener listening("127.0.0.1:0");
  reactor on = open();
  connect_options options = quick();
  options.attempt_delay = 1h;
  outcome noted =
      connect_and_wait(on, {taken.address(), unreachable(), listening.address()}, options);
  ASSERT_TRUE(noted.told->has_value()) << noted.error().message();
  EXPECT_EQ((*noted.told)->peer(), listening.address());
}

TEST_P(connector, starts_the_next_address_after_the_delay_when_one_is_silent) {
  silent_listener silent;
  raw_listener listening("[::1]:0");
  reactor on = open();
  connect_options options = quick();
  options.attempt_delay = 30ms;
  const auto began = clock::now();
  outcome noted = connect_and_wait(on, {silent.address(), listening.address()}, options);
  EXPECT_GE(clock::now() - began, 30ms);
  ASSERT_TRUE(noted.told->has_value()) << noted.error().message();
  EXPECT_EQ((*noted.told)->peer(), listening.address());
}

TEST_P(connector, the_first_to_connect_wins_and_the_others_are_closed) {
  raw_listener first("127.0.0.1:0");
  raw_listener second("[::1]:0");
  reactor on = open();
  connect_options options = quick();
  options.attempt_delay = duration::zero();
  outcome noted = connect_and_wait(on, {first.address(), second.address()}, options);
  ASSERT_TRUE(noted.told->has_value()) << noted.error().message();
  noted.told.reset();
  turn_until(on, [&] { return on.internals().drained(); });
  for (raw_listener* listening : {&first, &second}) {
    if (!listening->somebody_waits()) continue;
    EXPECT_EQ(listening->accept().receive(), "") << "nobody is left on either";
  }
}

TEST_P(connector, one_deadline_holds_for_all_addresses) {
  silent_listener one;
  silent_listener two;
  reactor on = open();
  connect_options options = quick();
  options.attempt_delay = 10ms;
  options.deadline = 50ms;
  const auto began = clock::now();
  outcome noted = connect_and_wait(on, {one.address(), two.address(), one.address()}, options);
  EXPECT_EQ(noted.error(), transport_errc::connect_timeout);
  EXPECT_EQ(noted.error(), condition::timed_out);
  EXPECT_GE(clock::now() - began, 50ms);
}

TEST_P(connector, cancel_calls_back_from_a_later_turn) {
  silent_listener silent;
  reactor on = open();
  outcome noted;
  connect_attempt attempt = connect(on, std::array{silent.address()}, {}, noted.note());
  ASSERT_TRUE(on.run_once(1ms));
  attempt.cancel();
  EXPECT_EQ(noted.calls, 0);
  turn_until(on, [&] { return attempt.done(); });
  EXPECT_EQ(noted.error(), condition::cancelled);
  attempt.cancel();
  ASSERT_TRUE(on.run_once(1ms));
  EXPECT_EQ(noted.calls, 1);
}

TEST_P(connector, cancel_at_every_step_ends_the_attempt_once) {
  for (int steps = 0; steps < 6; ++steps) {
    raw_listener listening("127.0.0.1:0");
    reactor on = open();
    outcome noted;
    connect_attempt attempt = connect(on, std::array{listening.address()}, quick(), noted.note());
    for (int i = 0; i < steps; ++i) ASSERT_TRUE(on.internals().turn(time_point{}));
    attempt.cancel();
    turn_until(on, [&] { return attempt.done(); });
    EXPECT_EQ(noted.calls, 1);
    const bool connected = noted.told->has_value();
    EXPECT_TRUE(connected || noted.error() == condition::cancelled) << noted.error().message();
  }
}

TEST_P(connector, dropping_the_attempt_at_every_step_calls_nobody) {
  for (int steps = 0; steps < 6; ++steps) {
    raw_listener listening("127.0.0.1:0");
    reactor on = open();
    outcome noted;
    std::optional<connect_attempt> attempt;
    attempt.emplace(connect(on, std::array{listening.address()}, quick(), noted.note()));
    for (int i = 0; i < steps; ++i) ASSERT_TRUE(on.internals().turn(time_point{}));
    const int before = noted.calls;
    attempt.reset();
    noted.told.reset();
    turn_until(on, [&] { return on.internals().drained(); });
    EXPECT_EQ(noted.calls, before);
  }
}

TEST_P(connector, the_callback_may_drop_the_attempt) {
  raw_listener listening("127.0.0.1:0");
  reactor on = open();
  bool called = false;
  std::optional<connect_attempt> attempt;
  attempt.emplace(
      connect(on, std::array{listening.address()}, {}, [&](result<connection> peer) noexcept {
        EXPECT_TRUE(peer);
        called = true;
        attempt.reset();
      }));
  turn_until(on, [&] { return called && on.internals().drained(); });
}

TEST_P(connector, the_end_of_the_reactor_ends_an_attempt) {
  silent_listener silent;
  outcome noted;
  connect_attempt attempt;
  {
    reactor on = open();
    attempt = connect(on, std::array{silent.address()}, {}, noted.note());
    ASSERT_TRUE(on.run_once(1ms));
  }
  EXPECT_TRUE(attempt.done());
  EXPECT_EQ(noted.calls, 1);
  EXPECT_EQ(noted.error(), condition::cancelled);
}

TEST_P(connector, connects_from_the_local_address_asked_for) {
  raw_listener listening("127.0.0.1:0");
  reactor on = open();
  connect_options options = quick();
  options.local = endpoint::parse("127.0.0.7:0").value();
  outcome noted = connect_and_wait(on, {listening.address()}, options);
  ASSERT_TRUE(noted.told->has_value()) << noted.error().message();
  EXPECT_TRUE((*noted.told)->local().to_string().starts_with("127.0.0.7:"));
}

TEST_P(connector, a_local_address_that_is_not_ours_is_an_error) {
  raw_listener listening("127.0.0.1:0");
  reactor on = open();
  connect_options options = quick();
  options.local = endpoint::parse("192.0.2.1:0").value();
  EXPECT_EQ(connect_and_wait(on, {listening.address()}, options).error(), condition::unreachable);
}

struct turning : on_backends {
  using on_backends::turn_until;
};

/// Connects 200 times, each with an answer over it, in a reactor that has been told `how`.
std::uint64_t direct_after_many(const reactor_options& how) {
  raw_listener listening("127.0.0.1:0", 512);
  auto made = reactor::open(how);
  if (!made) throw std::runtime_error(describe(made.error()));
  reactor& on = *made;
  std::vector<connection> kept;
  std::vector<raw_socket> peers;
  std::size_t failed = 0;
  std::vector<connect_attempt> attempts;
  for (int i = 0; i < 200; ++i) {
    attempts.push_back(
        connect(on, std::array{listening.address()}, {}, [&](result<connection> what) noexcept {
          if (what)
            kept.push_back(std::move(*what));
          else
            ++failed;
        }));
    if (i % 20 == 19) turning::turn_until(on, [&] { return attempts.back().done(); });
  }
  turning::turn_until(on, [&] { return kept.size() + failed == 200; });
  EXPECT_EQ(failed, 0U);
  for (std::size_t i = 0; i < kept.size(); ++i) peers.push_back(listening.accept());
  for (connection& each : kept) each.send_copy(as_bytes("hello"));
  turning::turn_until(on, [&] {
    return std::ranges::all_of(kept, [](const auto& each) { return each.queued_bytes() == 0; });
  });
  for (raw_socket& each : peers) EXPECT_EQ(each.receive(), "hello");
  const auto direct = on.counters().backend.direct_opened;
  EXPECT_EQ(kept[100].peer(), listening.address());
  const int number = kept[100].duplicate_descriptor().value_or(-1);
  EXPECT_GE(number, 0);
  ::close(number);
  for (connection& each : kept) each.abort();
  kept.clear();
  turning::turn_until(on, [&] { return on.internals().drained(); });
  EXPECT_EQ(on.counters().backend.direct_open, 0U);
  return direct;
}

TEST(connector_table, holds_as_many_as_it_has_room_for) {
  reactor_options how;
  how.backend = io::backend_kind::uring;
  auto probe = reactor::open(how);
  if (!probe) GTEST_SKIP() << describe(probe.error());
  if (probe->counters().backend.direct_places == 0) GTEST_SKIP() << "no direct descriptors here";
  EXPECT_EQ(direct_after_many(how), 200U);
  how.direct_descriptor_count = 164;  // 64 places are left to accepts
  EXPECT_EQ(direct_after_many(how), 100U);
  how.features.direct_descriptors = false;
  EXPECT_EQ(direct_after_many(how), 0U);
}

TEST(connector_table, a_tiny_completion_queue_loses_nobody) {
  reactor_options how;
  how.backend = io::backend_kind::uring;
  how.submission_entries = 4;
  how.completion_entries = 4;
  if (auto probe = reactor::open(how); !probe) GTEST_SKIP() << describe(probe.error());
  EXPECT_LE(direct_after_many(how), 200U);
}

INSTANTIATE_TEST_SUITE_P(backends, connector, both_backends, name_of_backend);

}  // namespace
}  // namespace myra
