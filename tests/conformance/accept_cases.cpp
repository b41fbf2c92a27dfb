// Accepting: storms, limits, handlers that refuse, listeners that end.
#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class accepting_case : public conformance_test {
 protected:
  void expect_echo(const endpoint& at) {
    auto peer = host().dial(at, {send("ping"), receive(4)});
    EXPECT_EQ(finish(*peer).received, "ping");
  }
  record& echoing() {
    record& made = handler();
    echo(made);
    return made;
  }
};

TEST_P(accepting_case, a_storm_of_five_hundred) {
  record& seen = echoing();
  auto& at = listen(seen);
  auto crowd =
      host().dial_many(at.local(), 500, {send("x"), receive(1), half_close(), receive_to_end()});
  const auto told = finish(*crowd);
  EXPECT_EQ(told.connections, 500U);
  EXPECT_EQ(told.received.size(), 500U);
  EXPECT_EQ(told.ends, 500U);
  turn_until([&] { return seen.closes == 500; });
  EXPECT_EQ(at.counters().accepted, 500U);
  EXPECT_EQ(at.connection_count(), 0U);
}

TEST_P(accepting_case, a_storm_of_resets_before_the_first_accept) {
  record& seen = echoing();
  auto& at = listen(seen);
  auto crowd = host().dial_many(at.local(), 100, {reset()});
  EXPECT_EQ(crowd->finish().connections, 100U);  // without a turn: all of them wait, and are gone
  expect_echo(at.local());
  turn_until([&] { return at.connection_count() == 0; });
  EXPECT_EQ(seen.closes, seen.opens);
}

TEST_P(accepting_case, a_storm_of_resets_while_accepting) {
  record& seen = echoing();
  auto& at = listen(seen);
  for (int round = 0; round < 3; ++round) {
    auto crowd = host().dial_many(at.local(), 60, {send("x"), reset()});
    finish(*crowd);
  }
  expect_echo(at.local());
  turn_until([&] { return at.connection_count() == 0; });
}

TEST_P(accepting_case, who_came_before_serve_is_served) {
  listener& at = open_listener();
  auto peer = host().dial(at.local(), {send("early"), receive(5)});
  turn_for(30ms);
  EXPECT_FALSE(peer->done());
  record& seen = echoing();
  at.serve(seen);
  EXPECT_EQ(finish(*peer).received, "early");
}

TEST_P(accepting_case, connections_max_is_kept_and_the_rest_wait) {
  record& seen = handler();
  listener_options options;
  options.connections_max = 2;
  auto& at = listen(seen, options);
  auto first = host().dial_many(at.local(), 2, {receive_to_end()});
  turn_until([&] { return seen.opens == 2; });
  auto later = host().dial(at.local(), {receive_to_end()});
  turn_for(60ms);
  EXPECT_EQ(seen.opens, 2);
  EXPECT_EQ(at.connection_count(), 2U);
  EXPECT_TRUE(act(seen.last, [](connection& peer) { peer.abort(); }));
  turn_until([&] { return seen.opens == 3; });
  EXPECT_TRUE(act(seen.last, [](connection& peer) { peer.abort(); }));
  finish(*later);
  close_listeners();
  EXPECT_TRUE(on().drain(patient(5s)));
  finish(*first);
}

TEST_P(accepting_case, connections_max_is_kept_in_a_storm) {
  record& seen = echoing();
  listener_options options;
  options.connections_max = 3;
  auto& at = listen(seen, options);
  auto crowd = host().dial_many(at.local(), 60, {send("x"), half_close(), receive_to_end()});
  std::uint32_t most = 0;
  turn_until([&] {
    most = std::max(most, at.connection_count());
    return seen.closes == 60;
  });
  EXPECT_EQ(most, 3U);
  EXPECT_EQ(finish(*crowd).received, std::string(60, 'x'));
}

TEST_P(accepting_case, a_listener_closed_while_accepted_ones_wait) {
  record& seen = handler();
  listener_options options;
  options.connections_max = 2;
  auto& at = listen(seen, options);
  auto crowd = host().dial_many(at.local(), 20, {receive_to_end()});
  turn_until([&] { return seen.opens == 2; });
  turn_for(20ms);
  at.close();
  turn_for(20ms);
  EXPECT_EQ(seen.opens, 2);
  close_listeners();
  EXPECT_TRUE(on().drain(patient(5s)));
  EXPECT_EQ(seen.closes, 2);
  finish(*crowd);  // all of them are told, and no descriptor is left
}

TEST_P(accepting_case, one_that_waited_may_drop_the_one_whose_place_it_takes) {
  record& seen = handler();
  connection kept;
  seen.when_open = [&](connection& peer) { kept = std::move(peer); };
  listener_options options;
  options.connections_max = 1;
  auto& at = listen(seen, options);
  auto crowd = host().dial_many(at.local(), 10, {half_close(), receive_to_end()});
  turn_until([&] { return seen.closes == 10; });
  EXPECT_EQ(finish(*crowd).ends, 10U);
}

TEST_P(accepting_case, buffers_are_as_large_as_was_asked_for_at_both_ends) {
  if (simulated()) GTEST_SKIP() << "descriptors of the process are not the simulated machine's";
  const auto sizes_of = [](const connection& of) {
    const int number = of.duplicate_descriptor().value_or(-1);
    std::pair<int, int> sizes;
    socklen_t size = sizeof(int);
    EXPECT_EQ(::getsockopt(number, SOL_SOCKET, SO_SNDBUF, &sizes.first, &size), 0);
    EXPECT_EQ(::getsockopt(number, SOL_SOCKET, SO_RCVBUF, &sizes.second, &size), 0);
    ::close(number);
    return sizes;
  };
  connection_options small;
  small.send_buffer_bytes = 9000;
  small.receive_buffer_bytes = 7000;
  const std::pair expected(2 * 9000, 2 * 7000);  // socket(7): the kernel doubles them
  std::pair<int, int> accepted;
  record& seen = handler();
  seen.when_open = [&](connection& peer) { accepted = sizes_of(peer); };
  listener_options options;
  options.connection = small;
  auto& at = listen(seen, options);
  const connection made = dial(at.local(), {.connection = small});
  turn_until([&] { return seen.opens == 1; });
  EXPECT_EQ(accepted, expected);
  EXPECT_EQ(sizes_of(made), expected);
}

TEST_P(accepting_case, an_inherited_descriptor) {
  if (simulated()) GTEST_SKIP() << "descriptors of the process are not the simulated machine's";
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto anywhere = near();
  ASSERT_EQ(::bind(made, anywhere.address(), anywhere.size()), 0);
  ASSERT_EQ(::listen(made, 10), 0);
  record& seen = echoing();
  listener_options options;
  options.inherited_descriptor = made;
  auto& at = listen(seen, options);
  EXPECT_NE(at.local().port(), 0);
  expect_echo(at.local());
}

TEST_P(accepting_case, a_wrong_inherited_descriptor_is_named_and_left_alone) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const int datagram = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int idle_socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (const int wrong : {pipe_ends[0], datagram, idle_socket, 1'000'000}) {
    listener_options options;
    options.inherited_descriptor = wrong;
    auto made = listener::open(on(), options);
    ASSERT_FALSE(made);
    EXPECT_NE(made.error().what.find(std::to_string(wrong)), std::string::npos)
        << made.error().what;
  }
  for (const int each : {pipe_ends[0], pipe_ends[1], datagram, idle_socket})
    EXPECT_EQ(::close(each), 0) << "closed by one who did not own it";
}

TEST_P(accepting_case, reuse_port_shares_and_only_when_asked) {
  record& seen = echoing();
  listener_options options;
  options.reuse_port = true;
  auto& first = listen(seen, options);
  options.address = first.local().to_string();
  listen(seen, options);
  for (int i = 0; i < 8; ++i) expect_echo(first.local());
  options.reuse_port = false;
  auto third = listener::open(on(), options);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, std::errc::address_in_use);
  EXPECT_NE(third.error().what.find(options.address), std::string::npos);
}

TEST_P(accepting_case, an_address_can_be_bound_again_while_old_connections_linger) {
  record& seen = handler();
  seen.when_open = [](connection& peer) {
    peer.close();
  };  // our end first: the kernel remembers it for a minute
  auto& at = listen(seen);
  listener_options options;
  options.address = at.local().to_string();
  auto peer = host().dial(at.local(), {receive_to_end()});
  finish(*peer);
  close_reactor();
  open_reactor(this->options());
  EXPECT_TRUE(listener::open(on(), options));
}

TEST_P(accepting_case, connections_outlive_their_listener) {
  record& seen = echoing();
  auto& at = listen(seen);
  const auto address = at.local();
  auto peer = host().dial(address, {send("a"), receive(1), wait(40ms), send("b"), receive(1)});
  turn_until([&] { return seen.received == "a"; });
  close_listeners();
  EXPECT_EQ(finish(*peer).received, "ab");
  auto late = host().dial(address, {});
  EXPECT_FALSE(finish(*late).connected) << "somebody still listens";
}

TEST_P(accepting_case, a_listener_closed_in_on_open) {
  record& seen = handler();
  listener* closes = nullptr;
  seen.when_open = [&](connection&) { closes->close(); };
  auto& at = listen(seen);
  closes = &at;
  auto crowd = host().dial_many(at.local(), 20, {receive_to_end()});
  turn_until([&] { return seen.opens >= 1; });
  EXPECT_TRUE(on().drain(patient(5s)));
  finish(*crowd);
  EXPECT_EQ(seen.opens, seen.closes);
  EXPECT_LE(seen.opens, 20);
}

TEST_P(accepting_case, a_listener_closed_twice_or_before_it_served) {
  auto& unused = open_listener();
  unused.close();
  unused.close();
  record& seen = echoing();
  auto& at = listen(seen);
  at.close();
  // Under submission polling a thread of the kernel closes it, in its own time.
  const int tries = GetParam().options.ring.submission_polling.on ? 100 : 1;
  bool refused = false;
  for (int i = 0; i < tries && !refused; ++i) {
    turn_for(5ms);
    auto late = host().dial(at.local(), {});
    refused = !finish(*late).connected;
  }
  EXPECT_TRUE(refused);
}

TEST_P(accepting_case, a_factory_makes_one_handler_for_each_and_they_end_with_it) {
  static int alive = 0;
  struct counted : record {
    counted() { ++alive; }
    ~counted() override { --alive; }
  };
  alive = 0;
  auto& at = open_listener();
  at.serve(handler_factory([] { return std::make_unique<counted>(); }));
  auto crowd =
      host().dial_many(at.local(), 10, {send("x"), wait(30ms), half_close(), receive_to_end()});
  turn_until([&] { return alive == 10; });
  finish(*crowd);
  turn_until([&] { return at.connection_count() == 0; });
  EXPECT_EQ(alive, 0);
}

TEST_P(accepting_case, a_null_handler_refuses_the_connection_and_no_other) {
  auto& at = open_listener();
  int calls = 0;
  at.serve(handler_factory([&]() -> std::unique_ptr<connection_handler> {
    if (++calls == 1) return nullptr;
    auto made = std::make_unique<record>();
    echo(*made);
    return made;
  }));
  auto refused = host().dial(at.local(), {receive_to_end()});
  EXPECT_TRUE(finish(*refused).saw_end);
  expect_echo(at.local());
  EXPECT_EQ(calls, 2);
}

TEST_P(accepting_case, a_factory_that_throws_loses_its_connection_and_no_other) {
  auto& at = open_listener();
  int calls = 0;
  at.serve(handler_factory([&]() -> std::unique_ptr<connection_handler> {
    if (++calls == 1) throw std::runtime_error("no handler today");
    auto made = std::make_unique<record>();
    echo(*made);
    return made;
  }));
  auto dropped = host().dial(at.local(), {receive_to_end()});
  const auto told = finish(*dropped);
  EXPECT_TRUE(told.saw_end || told.saw_reset);
  expect_echo(at.local());
  EXPECT_EQ(on().counters().handler_exceptions, 1U);
  EXPECT_TRUE(log().contain("no handler today"));
}

TEST_P(accepting_case, options_out_of_bounds_are_refused_by_name) {
  listener_options options;
  options.address = "127.0.0.1:0";
  options.backlog = -1;
  auto made = listener::open(on(), options);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find("backlog"), std::string::npos);
  options.backlog = 0;
  options.connection.idle_timeout = -1s;
  made = listener::open(on(), options);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().what.find("idle_timeout"), std::string::npos);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, accepting_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
