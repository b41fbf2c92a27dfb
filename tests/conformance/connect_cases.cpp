// Connecting: to one address, to several, with deadlines, and cancelled at every step.
#include <algorithm>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class connecting_case : public conformance_test {
 protected:
  connect_attempt begin(const endpoint& to, dialled& told, const connect_options& options = {}) {
    return connect(on(), std::span(&to, 1), options, told.note());
  }
  /// For a peer that may still wait for somebody.
  void knock(const endpoint& at) { finish(*host().dial(at, {})); }
};

TEST_P(connecting_case, connects_and_speaks) {
  endpoint at;
  auto peer = host().answer(near(), {send("hello"), receive(5)}, at);
  record& seen = handler();
  connection owner = dial(at);
  owner.set_handler(seen);
  EXPECT_EQ(owner.send_copy(as_bytes("world")), send_status::accepted);
  turn_until([&] { return seen.ends == 1; });
  EXPECT_EQ(seen.received, "hello");
  EXPECT_EQ(finish(*peer).received, "world");
}

TEST_P(connecting_case, the_callback_comes_from_a_later_turn) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  dialled told;
  auto attempt = begin(at, told);
  EXPECT_EQ(told.calls, 0);
  EXPECT_FALSE(attempt.done());
  turn_until([&] { return attempt.done(); });
  EXPECT_EQ(told.calls, 1);
  told.outcome.reset();
  EXPECT_TRUE(finish(*peer).saw_end);
}

TEST_P(connecting_case, refused) {
  dialled told;
  auto attempt = begin(host().refusing(near()), told);
  turn_until([&] { return told.calls == 1; });
  EXPECT_EQ(told.error(), condition::refused);
}

TEST_P(connecting_case, a_failure_names_each_address_and_its_error) {
  std::vector<connect_failure> failures{{}, {}, {}};  // of an earlier attempt: emptied
  connect_options options;
  options.deadline = 80ms;
  options.attempt_delay = 5s;
  options.failures = &failures;
  const endpoint to[] = {host().refusing(near()), host().silent(near())};
  dialled told;
  auto attempt = connect(on(), to, options, told.note());
  turn_until([&] { return told.calls == 1; });
  ASSERT_EQ(failures.size(), 2U);
  EXPECT_EQ(failures[0].to, to[0]);
  EXPECT_EQ(failures[0].why, condition::refused);
  EXPECT_EQ(failures[1].to, to[1]);
  EXPECT_EQ(failures[1].why, transport_errc::connect_timeout);
  EXPECT_EQ(describe(connect_report(told.error(), failures, options)),
            "connect to " + to[0].to_string() + " (" + failures[0].why.message() + "), " +
                to[1].to_string() + " (no address answered by the deadline) within 80 ms: " +
                "no address answered by the deadline");
}

TEST_P(connecting_case, a_success_leaves_the_failures_before_it) {
  std::vector<connect_failure> failures;
  connect_options options;
  options.failures = &failures;
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  const endpoint to[] = {host().refusing(near()), at};
  dialled told;
  auto attempt = connect(on(), to, options, told.note());
  turn_until([&] { return told.calls == 1; });
  EXPECT_TRUE(told.connected());
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].to, to[0]);
  told.outcome.reset();
  finish(*peer);
}

TEST_P(connecting_case, a_cancelled_one_names_what_it_waited_for) {
  std::vector<connect_failure> failures;
  connect_options options;
  options.failures = &failures;
  const endpoint to = host().silent(near());
  dialled told;
  auto attempt = begin(to, told, options);
  turn_for(5ms);
  attempt.cancel();
  turn_until([&] { return told.calls == 1; });
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].to, to);
  EXPECT_EQ(failures[0].why, condition::cancelled);
}

TEST_P(connecting_case, a_deadline_that_is_missed) {
  if (GetParam().sockets == family::ipv6) GTEST_SKIP() << "the same as over IPv4";
  connect_options options;
  options.deadline = 60ms;
  dialled told;
  const auto to = host().silent(near());
  const auto began = present();
  auto attempt = begin(to, told, options);
  turn_until([&] { return told.calls == 1; });
  const auto took = present() - began;
  EXPECT_EQ(told.error(), transport_errc::connect_timeout);
  EXPECT_EQ(told.error(), condition::timed_out);
  EXPECT_GE(took, 60ms);
  EXPECT_LT(took, 60ms + slack());
}

TEST_P(connecting_case, without_a_deadline_it_waits_until_cancelled) {
  connect_options options;
  options.deadline = duration::zero();
  dialled told;
  auto attempt = begin(host().silent(near()), told, options);
  turn_for(80ms);
  EXPECT_EQ(told.calls, 0);
  attempt.cancel();
  EXPECT_EQ(told.calls, 0) << "called back from inside cancel";
  turn_until([&] { return told.calls == 1; });
  EXPECT_EQ(told.error(), condition::cancelled);
}

TEST_P(connecting_case, cancelled_at_every_step) {
  for (int steps = 0; steps < 6; ++steps) {
    endpoint at;
    auto peer = host().answer(near(), {receive_to_end()}, at);
    dialled told;
    auto attempt = begin(at, told);
    for (int i = 0; i < steps; ++i) ASSERT_TRUE(on().internals().turn(time_point{}));
    const bool late = attempt.done();
    attempt.cancel();
    attempt.cancel();
    turn_until([&] { return told.calls == 1; });
    turn_for(3ms);
    EXPECT_EQ(told.calls, 1);
    if (late)
      EXPECT_TRUE(told.connected()) << "a cancel after the report took the connection away";
    else
      EXPECT_EQ(told.error(), condition::cancelled) << "cancelled after " << steps << " turns";
    told.outcome.reset();
    knock(at);
    finish(*peer);
  }
}

TEST_P(connecting_case, an_attempt_destroyed_at_every_step_calls_nobody) {
  for (int steps = 0; steps < 4; ++steps) {
    endpoint at;
    auto peer = host().answer(near(), {receive_to_end()}, at);
    dialled told;
    {
      auto attempt = begin(at, told);
      for (int i = 0; i < steps; ++i) ASSERT_TRUE(on().internals().turn(time_point{}));
      if (told.calls == 1) told.outcome.reset();
      told.calls = 0;
    }
    turn_for(3ms);
    EXPECT_EQ(told.calls, 0);
    knock(at);
    finish(*peer);
  }
}

TEST_P(connecting_case, the_callback_may_destroy_its_attempt) {
  const auto to = host().refusing(near());
  connect_attempt attempt;
  int calls = 0;
  attempt = connect(on(), std::span(&to, 1), {}, [&](result<connection>) noexcept {
    ++calls;
    attempt = {};
  });
  turn_until([&] { return calls == 1; });
  EXPECT_TRUE(attempt.done());
}

TEST_P(connecting_case, the_callback_may_begin_the_next_attempt) {
  const auto to = host().refusing(near());
  connect_attempt attempt;
  int calls = 0;
  std::function<void()> again = [&] {
    attempt = connect(on(), std::span(&to, 1), {}, [&](result<connection> came) noexcept {
      EXPECT_FALSE(came);
      if (++calls < 10) again();
    });
  };
  again();
  turn_until([&] { return calls == 10; });
}

TEST_P(connecting_case, a_connection_dropped_in_the_callback_is_closed) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  bool called = false;
  auto attempt = connect(on(), std::span(&at, 1), {}, [&](result<connection> came) noexcept {
    called = came.has_value();
    came->send_copy(as_bytes("so long"));
  });
  turn_until([&] { return called; });
  const auto told = finish(*peer);
  EXPECT_EQ(told.received, "so long");
  EXPECT_TRUE(told.saw_end);
}

TEST_P(connecting_case, to_a_listener_of_the_same_reactor) {
  record& server = handler();
  echo(server);
  auto& at = listen(server);
  record& client = handler();
  client.when_received = [&](connection& peer, message&) {
    if (client.received.size() == 100'000) peer.close();
  };
  connection owner = dial(at.local());
  owner.set_handler(client);
  const auto bytes = pattern(100'000);
  owner.send_copy(as_bytes(bytes));
  turn_until([&] { return client.closes == 1 && server.closes == 1; });
  EXPECT_EQ(client.received, bytes);
}

TEST_P(connecting_case, two_hundred_at_once) {
  record& server = handler();
  echo(server);
  auto& at = listen(server);
  record& client = handler();
  std::vector<dialled> told(200);
  std::vector<connect_attempt> attempts;
  for (dialled& each : told) attempts.push_back(begin(at.local(), each));
  turn_until([&] {
    return std::all_of(told.begin(), told.end(),
                       [](const dialled& each) { return each.calls == 1; });
  });
  for (dialled& each : told) {
    ASSERT_TRUE(each.connected()) << each.error().message();
    (*each.outcome)->set_handler(client);
    EXPECT_EQ((*each.outcome)->send_copy(as_bytes("12345")), send_status::accepted);
  }
  turn_until([&] { return client.received.size() == 1'000; });
}

TEST_P(connecting_case, a_drain_cancels_what_is_under_way) {
  dialled told;
  connect_options options;
  options.deadline = duration::zero();
  auto attempt = begin(host().silent(near()), told, options);
  turn_for(5ms);
  EXPECT_TRUE(on().drain(patient(5s)));
  EXPECT_EQ(told.calls, 1);
  EXPECT_EQ(told.error(), condition::cancelled);
}

TEST_P(connecting_case, a_reactor_destroyed_with_attempts_under_way_cancels_them) {
  dialled first;
  dialled second;
  const auto to = host().silent(near());
  auto outlives = begin(to, first);
  turn_for(5ms);
  auto unsubmitted = begin(to, second);
  destroy_reactor();
  EXPECT_EQ(first.calls + second.calls, 2);
  EXPECT_EQ(first.error(), condition::cancelled);
  EXPECT_EQ(second.error(), condition::cancelled);
}

TEST_P(connecting_case, options_out_of_bounds_are_refused_by_name) {
  connect_options options;
  options.connection.send_low_water_bytes = options.connection.send_high_water_bytes;
  dialled told;
  auto attempt = begin(host().refusing(near()), told, options);
  turn_until([&] { return told.calls == 1; });
  EXPECT_EQ(told.error(), std::errc::invalid_argument);
  EXPECT_TRUE(log().contain("send_low_water_bytes"));
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, connecting_case,
                         testing::ValuesIn(variants_of_all_families()), name_of);

}  // namespace myra::conformance
