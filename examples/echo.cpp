// An echo server in coroutines, one for each connection.
//
//   echo                     then, in another terminal:  nc localhost 7000
#include <chrono>
#include <cstdio>

#include "myra/transport.hpp"

// The frame of this coroutine owns the connection: when it returns, the connection closes.
myra::task<> echo(myra::connection peer) {
  while (auto bytes = co_await peer.receive()) {        // until the peer's end, or an error
    if (!co_await peer.send(std::move(*bytes))) break;  // the buffer goes back out: no copy
  }
}

int fail(const myra::error_report& why) {
  std::fprintf(stderr, "echo: %s\n", myra::describe(why).c_str());
  return 2;
}

int main() {
  auto reactor = myra::reactor::open();  // io_uring where the kernel has it, else epoll
  if (!reactor) return fail(reactor.error());
  auto listener = myra::listener::open(*reactor, {.address = "[::]:7000"});
  if (!listener) return fail(listener.error());
  listener->serve(echo);
  return reactor->run_until_signal({.drain_deadline = std::chrono::seconds(5)});
}
