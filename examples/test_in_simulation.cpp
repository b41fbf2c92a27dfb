// A test of a server of one's own, in a simulated network: no kernel, no threads, no sleeping, and
// everything that can go wrong.
//
//   test_in_simulation            a hundred worlds; the story of the one that fails, if one does
//   test_in_simulation 17         the world of seed 17
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "myra/reactor/world.hpp"
#include "myra/transport.hpp"

using namespace std::chrono_literals;

// The server under test: it sends back what it receives. It is not written for the test.
myra::task<> echo(myra::connection peer) {
  while (auto bytes = co_await peer.receive())
    if (!co_await peer.send(std::move(*bytes))) break;
}

// The client that checks. A connection may break, since the world breaks some; a wrong answer may
// not come, and no wait may last for ever.
myra::task<> ask(myra::reactor& on, std::string to) {
  auto peer = co_await myra::connect(on, to, {.deadline = 5s});
  if (!peer || !co_await peer->send_copy(myra::as_bytes("hello"))) co_return;
  peer->half_close();
  std::string answer;
  while (auto bytes = co_await peer->receive({.deadline = 30s}))
    answer += myra::as_text(bytes->bytes());
  if (!std::string_view("hello").starts_with(answer)) throw std::runtime_error("got " + answer);
}

bool passes(std::uint64_t seed) {
  myra::sim::world world({.seed = seed, .faults = myra::sim::faults::all()});
  myra::sim::host& server = world.host("server");
  server.serve([](myra::reactor& on) {
    auto listener = myra::listener::open(on, {.address = "*:7000"});
    if (listener) listener->serve(echo);
    return listener;
  });
  for (const char* name : {"one", "two", "three"})
    world.host(name).run([&](myra::reactor& on) { return ask(on, server.address(7000)); });
  const bool passed = world.run_until_idle({.virtual_time = 1h}) && world.end();
  if (!passed) std::fputs(world.story().c_str(), stderr);
  return passed;
}

int main(int argc, char** argv) {
  if (argc > 1) return passes(std::strtoull(argv[1], nullptr, 10)) ? 0 : 1;
  for (std::uint64_t seed = 1; seed <= 100; ++seed)
    if (!passes(seed)) return 1;
  std::puts("100 worlds passed");
  return 0;
}
