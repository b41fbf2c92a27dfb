// What somebody who depends on Myra writes first: a server and a client, in one process.

#include <algorithm>
#include <cstdio>
#include <myra/transport.hpp>
#include <span>
#include <string_view>
#include <utility>

namespace {

constexpr std::string_view greeting = "hello";

myra::task<> echo(myra::connection peer) {
  while (auto bytes = co_await peer.receive()) {
    if (!co_await peer.send(std::move(*bytes))) break;
  }
}

myra::task<> greet(myra::reactor& on, myra::endpoint server, bool& answered) {
  if (auto peer = co_await myra::connect(on, server)) {
    const auto words = std::as_bytes(std::span(greeting));
    const bool sent = (co_await peer->send_copy(words)).has_value();
    const auto reply = co_await peer->receive();
    answered = sent && reply && std::ranges::equal(reply->bytes(), words);
  }
  on.stop();
}

}  // namespace

int main() {
  auto reactor = myra::reactor::open();
  if (!reactor) return std::puts(reactor.error().what.c_str()), 1;
  auto listener = myra::listener::open(*reactor, {.address = "127.0.0.1:0"});
  if (!listener) return std::puts(listener.error().what.c_str()), 1;
  listener->serve(echo);
  bool answered = false;
  myra::spawn(*reactor, greet(*reactor, listener->local(), answered));
  const bool ran = reactor->run().has_value();
  std::puts(answered ? "the greeting came back" : "no answer");
  return ran && answered ? 0 : 1;
}
