// What somebody who depends on Myra writes first: a server and a client, in one process.

#include <cstdio>
#include <cstring>
#include <myra/transport.hpp>
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
    co_await peer->send_copy(std::as_bytes(std::span(greeting)));
    auto reply = co_await peer->receive();
    answered = reply && reply->size() == greeting.size() &&
               std::memcmp(reply->data(), greeting.data(), greeting.size()) == 0;
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
