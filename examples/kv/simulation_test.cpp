// The server in simulated worlds: whatever the network does, no client gets an answer to what it
// did not ask.
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>
#include <string>

#include "myra/reactor/world.hpp"
#include "myra/transport.hpp"
#include "session.hpp"

namespace kv {
namespace {

using namespace std::chrono_literals;
using myra::sim::faults;

/// Commands of one client, and what they are answered with.
struct conversation {
  std::string asked;
  std::string expected;
};

std::string bulk(const std::string& text) {
  return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
}

conversation talk_of(int client) {
  const std::string key = "key" + std::to_string(client);
  conversation made;
  for (int i = 0; i < 30; ++i) {
    const std::string value(static_cast<std::size_t>(i * 37 % 900),
                            static_cast<char>('a' + client));
    made.asked += "*3\r\n$3\r\nSET\r\n" + bulk(key) + bulk(value);
    made.asked += "*2\r\n$3\r\nGET\r\n" + bulk(key);
    made.expected += "+OK\r\n" + bulk(value);
  }
  return made;
}

/// The connection may break where the world breaks some; a wrong answer may not come.
myra::task<> ask(myra::reactor& on, std::string to, int client, bool must_succeed) {
  const conversation planned = talk_of(client);
  auto peer = co_await myra::connect(on, to, {.deadline = 20s});
  if (!peer) {
    if (must_succeed) throw std::system_error(peer.error(), "connect");
    co_return;
  }
  std::string answered;
  std::string_view unsent = planned.asked;
  while (!unsent.empty()) {
    const std::string_view piece = unsent.substr(0, 700);
    unsent.remove_prefix(piece.size());
    if (!co_await peer->send_copy(myra::as_bytes(piece))) break;
  }
  peer->half_close();
  while (auto bytes = co_await peer->receive({.deadline = 60s}))
    answered += myra::as_text(bytes->bytes());
  if (!planned.expected.starts_with(answered)) throw std::runtime_error("a wrong answer");
  if (must_succeed && answered != planned.expected) throw std::runtime_error("answers are missing");
}

void serve_in(std::uint64_t seed, const faults& rates, bool must_succeed) {
  server on;
  myra::sim::world world({.seed = seed, .faults = rates});
  myra::sim::host& machine = world.host("server");
  on.reactor = &machine.reactor();
  machine.serve([&on](myra::reactor& runs) {
    auto listening = myra::listener::open(runs, {.address = "*:6380"});
    for (int i = 0; i < 20 && !listening; ++i)
      listening = myra::listener::open(runs, {.address = "*:6380"});
    listening.value().serve([&on](myra::connection peer) { return talk(std::move(peer), on); });
    return std::move(*listening);
  });
  for (int i = 0; i < 3; ++i)
    world.host("client " + std::to_string(i))
        .run([to = machine.address(6380), i, must_succeed](myra::reactor& runs) {
          return ask(runs, to, i, must_succeed);
        });
  EXPECT_TRUE(world.run_until_idle({.virtual_time = 1h})) << world.story();
  EXPECT_TRUE(world.end()) << world.story();
  EXPECT_TRUE(on.clients.empty());
}

TEST(simulation_test, answers_come_whole_over_a_network_that_loses_nothing) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) serve_in(seed, faults::harmless(), true);
}

TEST(simulation_test, no_answer_is_wrong_whatever_breaks) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) serve_in(seed, faults::all(), false);
}

}  // namespace
}  // namespace kv
