// What sim::world promises to those who test with it.
#include "myra/reactor/world.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "myra/reactor/chain_async.hpp"
#include "myra/transport.hpp"
#include "workload.hpp"

namespace myra::sim {
namespace {

using namespace std::chrono_literals;

task<> echo(connection peer) {
  while (auto bytes = co_await peer.receive())
    if (!co_await peer.send(std::move(*bytes))) break;
}

auto echo_on(std::uint16_t port) {
  return [port](reactor& on) {
    auto made = listener::open(on, {.address = "*:" + std::to_string(port)});
    if (!made) throw std::runtime_error(describe(made.error()));
    made->serve(echo);
    return std::move(*made);
  };
}

task<> say(reactor& on, std::string to, std::string words, std::string& answer) {
  auto made = co_await connect(on, endpoint::parse(to).value());
  if (!made) throw std::system_error(made.error(), "connect to " + to);
  connection peer = std::move(*made);
  if (!co_await peer.send_copy(as_bytes(words))) throw std::runtime_error("cannot send");
  peer.half_close();
  while (auto bytes = co_await peer.receive()) answer += as_text(bytes->bytes());
}

TEST(sim_world, a_server_and_a_client_talk) {
  world made;
  std::string answer;
  host& server = made.host("server");
  server.serve(echo_on(7000));
  made.host("client").run(
      [&](reactor& on) { return say(on, server.address(7000), "hello", answer); });
  EXPECT_TRUE(made.run_until_idle()) << made.story();
  EXPECT_EQ(answer, "hello");
  EXPECT_TRUE(made.end()) << made.story();
}

TEST(sim_world, a_host_reaches_itself_on_the_loopback_and_nobody_else_there) {
  world made;
  std::string answer;
  host& server = made.host("server");
  server.serve(echo_on(7000));
  server.run([&](reactor& on) { return say(on, "127.0.0.1:7000", "self", answer); });
  EXPECT_TRUE(made.run_until_idle()) << made.story();
  EXPECT_EQ(answer, "self");
  made.host("client").run([&](reactor& on) { return say(on, "127.0.0.1:7000", "you", answer); });
  EXPECT_FALSE(made.run_until_idle());
  EXPECT_NE(made.story().find("refused"), std::string::npos) << made.story();
}

TEST(sim_world, a_chain_follows_its_steps) {
  world made;
  host& server = made.host("server");
  server.serve(echo_on(7000));
  std::vector<std::int32_t> results;
  std::string answer;
  made.host("client").run([&](reactor& on) -> task<> {
    const endpoint to = endpoint::parse(server.address(7000)).value();
    const int socket = on.internals().backend().sockets().open(AF_INET, SOCK_STREAM, 0);
    operation_chain steps = on.chain();
    steps.connect(socket, to).send(socket, as_bytes(std::string_view("hello"))).receive(socket);
    steps.shutdown(socket).close(socket).with_deadline(1s);
    auto ended = co_await steps;
    for (const step_report& each : ended.value()) results.push_back(each.result);
    answer = as_text(ended.value()[2].bytes.bytes());
  });
  EXPECT_TRUE(made.run_until_idle()) << made.story();
  EXPECT_EQ(results, (std::vector<std::int32_t>{0, 5, 5, 0, 0}));
  EXPECT_EQ(answer, "hello");
  EXPECT_TRUE(made.end()) << made.story();
}

TEST(sim_world, a_chain_to_nobody_ends_at_its_deadline) {
  world made;
  std::vector<std::int32_t> results;
  made.host("client").run([&](reactor& on) -> task<> {
    const endpoint to = endpoint::parse("192.0.2.1:1").value();
    const int socket = on.internals().backend().sockets().open(AF_INET, SOCK_STREAM, 0);
    operation_chain steps = on.chain();
    steps.connect(socket, to).send(socket, as_bytes(std::string_view("hello")));
    steps.whatever_happens().close(socket).with_deadline(1s);
    auto ended = co_await steps;
    for (const step_report& each : ended.value()) results.push_back(each.result);
    on.internals().backend().sockets().close(socket);
  });
  EXPECT_TRUE(made.run_until_idle()) << made.story();
  EXPECT_EQ(results, (std::vector<std::int32_t>{-ETIME, -ECANCELED, -ECANCELED}));
  EXPECT_TRUE(made.end()) << made.story();
}

TEST(sim_world, datagrams_are_answered) {
  world made;
  struct answering final : datagram_handler {
    void on_datagram(datagram_socket& to, lent_datagram& came) override {
      const endpoint peer = came.peer();
      static_cast<void>(to.send(came.detach(), peer));
    }
  } answers;
  host& server = made.host("server");
  server.serve([&](reactor& on) {
    auto opened = datagram_socket::open(on, {.address = "0.0.0.0:7000"});
    opened->serve(answers);
    return std::move(*opened);
  });
  std::string answer;
  made.host("client").run([&](reactor& on) -> task<> {
    auto from = datagram_socket::open(on, {.peer = server.address(7000)}).value();
    static_cast<void>(co_await from.send_copy(as_bytes(std::string_view("hello"))));
    auto came = co_await from.receive();
    if (came) answer = as_text(came->bytes.bytes());
  });
  EXPECT_TRUE(made.run_until_idle()) << made.story();
  EXPECT_EQ(answer, "hello");
  EXPECT_TRUE(made.end()) << made.story();
}

TEST(sim_world, time_is_its_own) {
  world made;
  const auto began = std::chrono::steady_clock::now();
  const time_point start = made.now();
  made.host("sleeper").run(
      [](reactor& on) -> task<> { static_cast<void>(co_await sleep_for(on, 24h)); });
  EXPECT_TRUE(made.run_until_idle({.virtual_time = 48h})) << made.story();
  EXPECT_GE(made.now() - start, 24h);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 10s);
}

TEST(sim_world, a_reset_loses_what_the_peer_had_no_room_for) {
  world made;
  std::size_t sent = 0;
  std::size_t got = 0;
  std::error_code why;
  host& server = made.host("server");
  server.serve([&](reactor& on) {
    listener_options options{.address = "*:7000"};
    options.connection.receive_buffer_bytes = 8192;
    auto opened = listener::open(on, options);
    opened->serve([&, runs = &on](connection peer) -> task<> {
      static_cast<void>(co_await sleep_for(*runs, 10s));
      for (;;) {
        auto bytes = co_await peer.receive();
        if (!bytes) {
          why = bytes.error();
          break;
        }
        got += bytes->bytes().size();
      }
    });
    return std::move(*opened);
  });
  made.host("client").run([&](reactor& on) -> task<> {
    auto peer = co_await connect(on, endpoint::parse(server.address(7000)).value());
    const std::string words(64 * 1024, 'x');
    if (co_await peer->send_copy(as_bytes(words))) sent = words.size();
    static_cast<void>(co_await sleep_for(on, 1s));
    peer->abort();
    static_cast<void>(co_await sleep_for(on, 20s));
  });
  EXPECT_TRUE(made.run_until_idle()) << made.story();
  EXPECT_EQ(sent, 64U * 1024);
  EXPECT_EQ(got, 2U * 8192);
  EXPECT_EQ(why, std::errc::connection_reset);
}

TEST(sim_world, what_waits_for_ever_is_a_failure) {
  world made;
  made.host("client").run([](reactor& on) -> task<> {
    static_cast<void>(
        co_await connect(on, endpoint::parse("192.0.2.1:1").value(), {.deadline = 0s}));
    static_cast<void>(co_await sleep_for(on, 100h));
  });
  EXPECT_FALSE(made.run_until_idle({.virtual_time = 1h}));
  EXPECT_NE(made.story().find("the virtual time is over"), std::string::npos) << made.story();
}

TEST(sim_world, silence_is_a_timeout_after_the_kernels_two_minutes) {
  world made;
  std::error_code why;
  made.host("client").run([&](reactor& on) -> task<> {
    auto got = co_await connect(on, endpoint::parse("192.0.2.1:1").value(), {.deadline = 0s});
    if (!got) why = got.error();
  });
  const time_point start = made.now();
  EXPECT_TRUE(made.run_until_idle()) << made.story();
  EXPECT_EQ(why, condition::timed_out);
  EXPECT_NEAR(static_cast<double>((made.now() - start) / 1s), 127.0, 1.0);
}

TEST(sim_world, an_exception_of_a_body_is_told_with_its_host) {
  world made({.seed = 99});
  made.host("client").run([](reactor& on) -> task<> {
    co_await reschedule(on);
    throw std::runtime_error("the reply was wrong");
  });
  EXPECT_FALSE(made.run_until_idle());
  const std::string story = made.story();
  EXPECT_NE(story.find("seed 99"), std::string::npos) << story;
  EXPECT_NE(story.find("client: the reply was wrong"), std::string::npos) << story;
}

TEST(sim_world, a_descriptor_that_is_not_closed_is_told) {
  world made;
  made.host("server").serve([](reactor& on) {
    EXPECT_GE(on.internals().backend().sockets().open(AF_INET, SOCK_STREAM, 0), 0);
  });
  EXPECT_TRUE(made.run_until_idle({.virtual_time = 1s})) << made.story();
  EXPECT_FALSE(made.end());
  EXPECT_NE(made.story().find("1 descriptors were not closed"), std::string::npos) << made.story();
}

TEST(sim_world, two_sends_in_flight_are_a_broken_promise) {
  struct sending : io::send_operation {
    sending() : send_operation([](io::operation&, io::completion&) noexcept {}) {}
  };
  sending first, second;  // outlive the world, whose end wakes who sleeps
  world made;
  const std::string words(300 * 1024, 'x');
  host& server = made.host("server");
  server.serve(echo_on(7000));
  made.host("client").run([&](reactor& on) -> task<> {
    auto got = co_await connect(on, endpoint::parse(server.address(7000)).value());
    connection peer = std::move(got.value());
    static_cast<void>(co_await peer.send_copy(as_bytes("x")));
    for (sending* each : {&first, &second}) {
      each->descriptor = sim::machine::first_descriptor;
      each->data = as_bytes(words).data();
      each->size = static_cast<std::uint32_t>(words.size());
      on.internals().backend().submit(*each);
    }
    static_cast<void>(co_await sleep_for(on, 1ms));
    for (sending* each : {&first, &second}) on.internals().backend().cancel(*each);
    static_cast<void>(co_await sleep_for(on, 1s));
  });
  EXPECT_FALSE(made.run_until_idle());
  while (!first.idle() || !second.idle()) ASSERT_TRUE(made.host("client").reactor().run_once(1s));
  EXPECT_NE(made.story().find("a second send in flight"), std::string::npos) << made.story();
}

TEST(sim_world, the_same_seed_leaves_the_same_trace_and_another_another) {
  using simtest::run_seed;
  const auto first = run_seed({.seed = 5, .keep_all = true});
  const auto again = run_seed({.seed = 5, .keep_all = true});
  const auto other = run_seed({.seed = 6, .keep_all = true});
  EXPECT_EQ(first.trace, again.trace);
  EXPECT_EQ(first.hash, again.hash);
  EXPECT_NE(first.hash, other.hash);
  EXPECT_GE(first.connections, simtest::connection_count_min);
  EXPECT_GE(first.completions, simtest::completion_count_min);
}

TEST(sim_world, faults_can_be_left_out_one_by_one) {
  const auto all = simtest::run_seed({.seed = 5});
  ASSERT_GT(all.struck.size(), 10U);
  const auto none = simtest::run_seed({.seed = 5, .allowed = std::vector<strike>()});
  EXPECT_TRUE(none.struck.empty());
  const auto one = simtest::run_seed({.seed = 5, .allowed = std::vector{all.struck.front()}});
  ASSERT_EQ(one.struck.size(), 1U);
  EXPECT_EQ(one.struck.front(), all.struck.front());
}

}  // namespace
}  // namespace myra::sim
