// Addresses: several for one peer (RFC 8305), local ones, ones that cannot be had, and what a
// connection says of them.
#include <unistd.h>

#include <fstream>
#include <optional>

#include "fixture.hpp"

namespace myra::conformance {
namespace {

class addressing_case : public conformance_test {
 protected:
  dialled race(const std::vector<endpoint>& to, const connect_options& options = {}) {
    dialled told;
    auto attempt = connect(on(), to, options, told.note());
    turn_until([&] { return told.calls == 1; });
    return told;
  }
  static endpoint parsed(std::string_view text) { return endpoint::parse(text).value(); }
};

TEST_P(addressing_case, after_a_refusal_the_next_is_tried_at_once) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  connect_options options;
  options.attempt_delay = 1h;
  auto told = race({host().refusing(near()), at}, options);
  ASSERT_TRUE(told.connected());
  EXPECT_EQ((*told.outcome)->peer(), at);
  (*told.outcome)->close();
  EXPECT_TRUE(finish(*peer).saw_end);
}

TEST_P(addressing_case, after_a_silence_the_next_is_tried_after_the_delay) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  connect_options options;
  options.attempt_delay = 50ms;
  const auto began = present();
  auto told = race({host().silent(near()), at}, options);
  ASSERT_TRUE(told.connected());
  EXPECT_GE(present() - began, 50ms) << "the first address had too little time";
  EXPECT_LT(present() - began, 50ms + slack());
  EXPECT_EQ((*told.outcome)->peer(), at);
  told.outcome.reset();
  finish(*peer);
}

TEST_P(addressing_case, the_first_to_answer_wins_although_others_began) {
  endpoint at;
  endpoint never_reached;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  auto other = host().answer(near(), {receive_to_end()}, never_reached);
  connect_options options;
  options.attempt_delay = 100ms;  // in which `at` answers
  auto told = race({host().silent(near()), host().silent(near()), at, never_reached}, options);
  ASSERT_TRUE(told.connected());
  EXPECT_EQ((*told.outcome)->peer(), at);
  told.outcome.reset();
  EXPECT_TRUE(finish(*peer).saw_end);
  static_cast<void>(dial(never_reached));
  finish(*other);
}

TEST_P(addressing_case, families_alternate) {
  endpoint v4;
  endpoint v6;
  auto last = host().answer(near(), {receive_to_end()}, v4);
  auto second = host().answer(parsed("[::1]:0"), {receive_to_end()}, v6);
  // In the order given the second IPv4 address would come before the IPv6 one.
  auto told = race({host().refusing(near()), v4, v6});
  ASSERT_TRUE(told.connected());
  EXPECT_EQ((*told.outcome)->peer().family(), AF_INET6);
  told.outcome.reset();
  finish(*second);
  static_cast<void>(dial(v4));
  finish(*last);
}

TEST_P(addressing_case, when_all_fail_the_last_error_is_told) {
  EXPECT_EQ(race({parsed("unix:@myra-nobody-listens"), host().refusing(near())}).error(),
            condition::refused);
  EXPECT_EQ(race({host().refusing(near()), parsed("unix:/nonexistent/socket")}).error(),
            std::errc::no_such_file_or_directory);
}

TEST_P(addressing_case, the_deadline_is_for_all_together) {
  connect_options options;
  options.deadline = 80ms;
  options.attempt_delay = 30ms;
  const auto began = present();
  const auto told =
      race({host().silent(near()), host().silent(near()), host().silent(near())}, options);
  EXPECT_EQ(told.error(), transport_errc::connect_timeout);
  EXPECT_GE(present() - began, 80ms);
  EXPECT_LT(present() - began, 80ms + slack());
}

TEST_P(addressing_case, no_address_at_all) {
  const auto told = race({});
  EXPECT_EQ(told.error(), transport_errc::no_address);
  EXPECT_EQ(told.error(), condition::invalid);
}

TEST_P(addressing_case, an_address_without_a_way_to_it) {
  // TCP to the broadcast address of the loopback network: the kernel says so itself, nothing leaves
  // the host.
  EXPECT_EQ(race({parsed("127.255.255.255:9")}).error(), condition::unreachable);
}

TEST_P(addressing_case, an_unreachable_one_does_not_keep_from_the_next) {
  endpoint at;
  auto peer = host().answer(near(), {receive_to_end()}, at);
  auto told = race({parsed("127.255.255.255:9"), at});
  ASSERT_TRUE(told.connected());
  told.outcome.reset();
  EXPECT_TRUE(finish(*peer).saw_end);
}

TEST_P(addressing_case, from_a_local_address) {
  record& seen = handler();
  std::string from;
  seen.when_open = [&](connection& peer) { from = peer.peer().to_string(); };
  auto& at = listen(seen);
  connect_options options;
  options.local = parsed("127.0.0.2:0");
  connection owner = dial(at.local(), options);
  turn_until([&] { return seen.opens == 1; });
  EXPECT_EQ(from, owner.local().to_string());
  EXPECT_EQ(from.substr(0, 10), "127.0.0.2:");
}

TEST_P(addressing_case, from_a_local_address_that_is_not_ours) {
  connect_options options;
  options.local = parsed("192.0.2.77:0");
  EXPECT_EQ(race({host().refusing(near())}, options).error(), std::errc::address_not_available);
}

TEST_P(addressing_case, both_ends_know_both_addresses) {
  record& seen = handler();
  endpoint peer_there;
  endpoint local_there;
  seen.when_open = [&](connection& peer) {
    peer_there = peer.peer();
    local_there = peer.local();
  };
  auto& at = listen(seen);
  connection owner = dial(at.local());
  turn_until([&] { return seen.opens == 1; });
  EXPECT_EQ(owner.peer(), at.local());
  EXPECT_EQ(local_there, at.local());
  EXPECT_EQ(owner.local(), peer_there);
  EXPECT_NE(owner.local().port(), 0);
}

TEST_P(addressing_case, a_closed_connection_has_no_address) {
  record& seen = handler();
  std::string at_close = "unset";
  seen.when_open = [](connection& peer) { peer.close(); };
  seen.when_closed = [&](connection& peer) {
    at_close = peer.peer().to_string() + peer.local().to_string();
  };
  auto& at = listen(seen);
  auto peer = host().dial(at.local(), {receive_to_end()});
  finish(*peer);
  turn_until([&] { return seen.closes == 1; });
  EXPECT_EQ(at_close, "");
}

TEST_P(addressing_case, a_wildcard_serves_both_families) {
  record& seen = handler();
  echo(seen);
  listener_options options;
  options.address = "*:0";
  const auto port = std::to_string(listen(seen, options).local().port());
  for (const std::string to : {"127.0.0.1:", "[::1]:"}) {
    auto peer = host().dial(parsed(to + port), {send("hi"), receive(2)});
    EXPECT_EQ(finish(*peer).received, "hi") << to;
  }
}

TEST_P(addressing_case, ipv6_only_refuses_ipv4) {
  record& seen = handler();
  listener_options options;
  options.address = "[::]:0";
  options.ipv6_only = true;
  const auto port = std::to_string(listen(seen, options).local().port());
  EXPECT_EQ(race({parsed("127.0.0.1:" + port)}).error(), condition::refused);
  static_cast<void>(dial(parsed("[::1]:" + port)));
}

TEST_P(addressing_case, a_stale_socket_file_is_replaced_and_removed_at_the_end) {
  const std::string path = "/tmp/myra-stale-" + std::to_string(::getpid());
  const int left_over = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto name = parsed("unix:" + path);
  ASSERT_EQ(::bind(left_over, name.address(), name.size()), 0);
  ASSERT_EQ(::listen(left_over, 1), 0);
  ::close(left_over);
  record& seen = handler();
  echo(seen);
  listener_options options;
  options.address = "unix:" + path;
  auto& at = listen(seen, options);
  auto peer = host().dial(at.local(), {send("hi"), receive(2)});
  EXPECT_EQ(finish(*peer).received, "hi");
  close_reactor();
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "the socket's file is still there";
}

TEST_P(addressing_case, a_listener_that_ends_leaves_its_successor_the_file) {
  if (simulated()) GTEST_SKIP() << "simulated sockets are in no file system";
  const std::string path = "/tmp/myra-successor-" + std::to_string(::getpid());
  record& seen = handler();
  listener_options options;
  options.address = "unix:" + path;
  auto& at = listen(seen, options);
  const auto other = host().take(at.local());
  turn_until([&] { return seen.opens == 1; });
  std::optional<opened<listener>> second;
  const auto succeed = [&] {
    if (!second || !*second) second.emplace(listener::open(on(), options));
    return second->has_value();
  };
  seen.when_closed = [&](connection&) { succeed(); };
  EXPECT_TRUE(act(seen.last, [&](connection& peer) {
    peer.abort();
    at.close();
  }));
  turn_until([&] { return seen.closes == 1 && succeed(); });
  turn_for(50ms);
  record& served = handler();
  echo(served);
  (*second)->serve(served);
  auto peer = host().dial((*second)->local(), {send("hi"), receive(2)});
  EXPECT_EQ(finish(*peer).received, "hi");
  second.reset();
}

TEST_P(addressing_case, a_socket_file_in_use_and_another_kind_of_file_are_left_alone) {
  if (simulated()) GTEST_SKIP() << "simulated sockets are in no file system";
  const std::string path = "/tmp/myra-in-use-" + std::to_string(::getpid());
  record& seen = handler();
  echo(seen);
  listener_options options;
  options.address = "unix:" + path;
  auto& at = listen(seen, options);
  auto second = listener::open(on(), options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, std::errc::address_in_use);
  auto peer = host().dial(at.local(), {send("hi"), receive(2)});
  EXPECT_EQ(finish(*peer).received, "hi");
  options.address += "-file";
  std::ofstream(path + "-file") << "precious";
  auto third = listener::open(on(), options);
  EXPECT_FALSE(third);
  EXPECT_EQ(::unlink((path + "-file").c_str()), 0) << "the file was removed";
}

TEST_P(addressing_case, what_cannot_be_bound_is_named) {
  for (const char* address : {"192.0.2.1:7000", "127.0.0.1:70000", "nonsense"}) {
    listener_options options;
    options.address = address;
    auto made = listener::open(on(), options);
    ASSERT_FALSE(made) << address;
    EXPECT_NE(describe(made.error()).find(address), std::string::npos) << describe(made.error());
  }
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, addressing_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
