// Connecting and accepting, on every backend.
#pragma once

#include <poll.h>
#include <sys/resource.h>

#include "myra/io/backend_fixture_test.hpp"

namespace myra::io {

template <class Address>
struct connecting : recorded<connect_operation> {
  connecting(io::descriptor socket, const Address& to)
      : recorded<connect_operation>(socket), target(to) {
    address = reinterpret_cast<const sockaddr*>(&target);
    address_size = sizeof target;
  }
  Address target;
};

inline sockaddr_un abstract_name(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string unique = name + std::to_string(::getpid());
  unique.copy(address.sun_path + 1, sizeof address.sun_path - 2);
  return address;
}

TEST_P(backend_test, multishot_accept_brings_every_connection) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  submit(accept);
  turn(1ms);
  for (int i = 0; i < 100; ++i) peers.push_back(connect_to(address));
  ASSERT_TRUE(until([&] { return accept.outcomes.size() == 100; }));
  for (const outcome& each : accept.outcomes) {
    ASSERT_GE(each.result, 0);
    EXPECT_TRUE(each.more);
    const int number = engine->sockets().duplicate(ours(each.brought));
    EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
    ::close(number);
    if (each.brought.is_direct()) continue;
    EXPECT_NE(::fcntl(each.brought.number(), F_GETFD) & FD_CLOEXEC, 0);
  }
  peers.push_back(connect_to(address));
  ASSERT_TRUE(until([&] { return accept.outcomes.size() == 101; }));
  ours(accept.last_socket());
  stop(accept);
  EXPECT_EQ(accept.last(), -ECANCELED);
}

TEST_P(backend_test, who_waits_at_a_unix_socket_that_refuses_more_is_accepted) {
  network& sockets = engine->sockets();
  const sockaddr_un address = abstract_name("myra-refuses");
  const int listening = ours(sockets.open(AF_UNIX, SOCK_STREAM, 0));
  ASSERT_EQ(sockets.bind(listening, as_address(address), sizeof address), 0);
  ASSERT_EQ(sockets.listen(listening, 8), 0);
  const auto connects = [&](const peer& one) {
    return ::connect(one.get(), as_address(address), sizeof address) == 0 ? 0 : -errno;
  };
  peers.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connects(peers.back()), 0);
  EXPECT_EQ(sockets.refuse_more(listening), 0);
  peers.emplace_back(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(connects(peers.back()), -ECONNREFUSED);
  const int first = sockets.accept_waiting(listening);
  ASSERT_GE(first, 0);
  ours(first);
  EXPECT_LT(sockets.accept_waiting(listening), 0);
}

TEST_P(backend_test, an_accepted_socket_carries_bytes) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  accept.multishot = false;
  peer client = connect_to(address);
  ASSERT_GE(run(accept), 0);
  const descriptor socket = ours(accept.last_socket());
  client.send("hi");
  recorded<receive_operation> receive(socket);
  receive.multishot = false;
  EXPECT_EQ(run(receive), 2);
}

TEST_P(backend_test, one_shot_accept_takes_one) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  accept.multishot = false;
  for (int i = 0; i < 3; ++i) peers.push_back(connect_to(address));
  for (std::size_t i = 1; i <= 3; ++i) {
    ASSERT_GE(run(accept), 0);
    ours(accept.last_socket());
    EXPECT_EQ(accept.outcomes.size(), i);
    EXPECT_FALSE(accept.outcomes.back().more);
  }
  submit(accept);
  idle_turns();
  EXPECT_FALSE(accept.idle());
  peers.push_back(connect_to(address));
  ASSERT_TRUE(until([&] { return accept.idle(); }));
  ours(accept.last_socket());
}

TEST_P(backend_test, accept_cancelled_by_its_handler_leaves_the_others_in_the_backlog) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  accept.then = [&] { engine->cancel(accept); };
  for (int i = 0; i < 20; ++i) peers.push_back(connect_to(address));
  submit(accept);
  ASSERT_TRUE(until([&] { return accept.idle(); }));
  const std::vector<descriptor> found = accept.sockets();
  ASSERT_GE(found.size(), 1U);
  recorded_accept rest(accept.descriptor);
  submit(rest);
  ASSERT_TRUE(until([&] { return found.size() + rest.sockets().size() == 20; }));
  for (descriptor socket : rest.sockets()) ours(socket);
  for (descriptor socket : found) ours(socket);
  stop(rest);
}

TEST_P(backend_test, accept_on_what_does_not_listen) {
  recorded_accept accept(ours(engine->sockets().open(AF_INET, SOCK_STREAM, 0)));
  EXPECT_EQ(run(accept), -EINVAL);
  EXPECT_FALSE(accept.outcomes.back().more);
}

TEST_P(backend_test, accept_ends_when_its_listener_is_shut_down) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  submit(accept);
  idle_turns();
  ::shutdown(accept.descriptor.number(), SHUT_RDWR);
  ASSERT_TRUE(until([&] { return accept.idle(); }));
  EXPECT_EQ(accept.last(), -EINVAL);
}

TEST_P(backend_test, accept_at_the_limit_of_descriptors_recovers) {
  sockaddr_in address;
  recorded_accept accept(tcp_listener(address));
  peers.push_back(connect_to(address));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const int next_free = ::dup(0);
  ::close(next_free);
  const rlimit none_left{static_cast<rlim_t>(next_free), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none_left), 0);
  submit(accept);
  EXPECT_TRUE(until([&] { return !accept.outcomes.empty(); }));
  ::setrlimit(RLIMIT_NOFILE, &before);
  if (accept.brings_direct) {
    EXPECT_GE(accept.last(), 0) << "the limit is of ordinary descriptors";
  } else {
    EXPECT_EQ(accept.last(), -EMFILE);
    EXPECT_FALSE(accept.outcomes.back().more);
    submit(accept);
  }
  ASSERT_TRUE(until([&] { return accept.sockets().size() == 1; }));
  ours(accept.sockets()[0]);
  stop(accept);
}

TEST_P(backend_test, connect_over_ipv4) {
  sockaddr_in address;
  const int listener = tcp_listener(address);
  connecting connect(ours(engine->sockets().open(AF_INET, SOCK_STREAM, 0)), address);
  EXPECT_EQ(run(connect), 0);
  EXPECT_EQ(connect.outcomes.size(), 1U);
  recorded_accept accept(listener);
  accept.multishot = false;
  ASSERT_GE(run(accept), 0);
  const peer other(real(accept.last_socket()));
  other.send("welcome");
  recorded<receive_operation> receive(connect.descriptor);
  receive.multishot = false;
  EXPECT_EQ(run(receive), 7);
}

TEST_P(backend_test, connect_over_ipv6) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6addr_loopback;
  peer listener(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  socklen_t size = sizeof address;
  if (::bind(listener.get(), as_address(address), size) != 0) GTEST_SKIP() << "no IPv6 here";
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ::getsockname(listener.get(), as_address(address), &size);
  connecting connect(ours(engine->sockets().open(AF_INET6, SOCK_STREAM, 0)), address);
  EXPECT_EQ(run(connect), 0);
}

TEST_P(backend_test, connect_to_a_unix_socket) {
  const sockaddr_un address = abstract_name("myra-connect");
  peer listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), as_address(address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  connecting connect(ours(engine->sockets().open(AF_UNIX, SOCK_STREAM, 0)), address);
  EXPECT_EQ(run(connect), 0);
  peer other(::accept(listener.get(), nullptr, nullptr));
  other.send("local");
  recorded<receive_operation> receive(connect.descriptor);
  receive.multishot = false;
  EXPECT_EQ(run(receive), 5);
}

TEST_P(backend_test, connect_to_nobody) {
  sockaddr_in address;
  close_now(tcp_listener(address));
  connecting refused(ours(engine->sockets().open(AF_INET, SOCK_STREAM, 0)), address);
  EXPECT_EQ(run(refused), -ECONNREFUSED);
  connecting absent(ours(engine->sockets().open(AF_UNIX, SOCK_STREAM, 0)),
                    abstract_name("myra-nobody"));
  EXPECT_EQ(run(absent), -ECONNREFUSED);
}

TEST_P(backend_test, connect_of_a_connected_socket) {
  sockaddr_in address;
  tcp_listener(address);
  connecting connect(ours(engine->sockets().open(AF_INET, SOCK_STREAM, 0)), address);
  EXPECT_EQ(run(connect), 0);
  EXPECT_EQ(run(connect), -EISCONN);
}

TEST_P(backend_test, connect_to_an_address_of_another_family) {
  connecting connect(ours(engine->sockets().open(AF_INET, SOCK_STREAM, 0)),
                     abstract_name("myra-wrong"));
  EXPECT_EQ(run(connect), -EAFNOSUPPORT);
}

TEST_P(backend_test, a_connect_that_hangs_is_cancelled) {
  sockaddr_in address;
  pollfd full{tcp_listener(address, 0), POLLIN, 0};
  // One fits in the backlog of a listener that asked for none; the kernel ignores who knocks next.
  peers.push_back(connect_to(address));
  ASSERT_EQ(::poll(&full, 1, 20'000), 1);
  connecting connect(ours(engine->sockets().open(AF_INET, SOCK_STREAM, 0)), address);
  submit(connect);
  idle_turns();
  ASSERT_FALSE(connect.idle());
  stop(connect);
  EXPECT_EQ(connect.last(), -ECANCELED);
  EXPECT_EQ(connect.outcomes.size(), 1U);
}

TEST_P(backend_test, connect_waits_while_a_unix_backlog_is_full) {
  const sockaddr_un address = abstract_name("myra-full");
  peer listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.get(), as_address(address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  connecting first(ours(engine->sockets().open(AF_UNIX, SOCK_STREAM, 0)), address);
  EXPECT_EQ(run(first), 0);
  connecting second(ours(engine->sockets().open(AF_UNIX, SOCK_STREAM, 0)), address);
  connecting unwanted(ours(engine->sockets().open(AF_UNIX, SOCK_STREAM, 0)), address);
  submit(second);
  submit(unwanted);
  idle_turns();
  EXPECT_FALSE(second.idle());
  EXPECT_FALSE(unwanted.idle());
  stop(unwanted);
  EXPECT_EQ(unwanted.last(), -ECANCELED);
  EXPECT_FALSE(second.idle());
  peers.emplace_back(::accept(listener.get(), nullptr, nullptr));
  ASSERT_TRUE(until([&] { return second.idle(); }));
  EXPECT_EQ(second.last(), 0);
}

}  // namespace myra::io
