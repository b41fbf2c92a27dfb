// The echo server again, in callbacks: lend, or detach.
//
// A handler is lent the bytes for the length of the call. Whoever wants them longer detaches the
// buffer and owns it; here it is handed on to be sent, and nothing is copied.
#include <cstdio>

#include "myra/transport.hpp"

namespace {

// Copying this little costs less than giving a whole buffer away for it.
constexpr std::size_t small_size_max = 512;

// One handler serves all connections, since it keeps nothing about any of them.
class echo_handler final : public myra::connection_handler {
 public:
  void on_receive(myra::connection& peer, myra::message& message) override {
    const bool taken = message.bytes().size() <= small_size_max
                           ? peer.send_copy(message.bytes()) == myra::send_status::accepted
                           : peer.send(message.detach()) == myra::send_status::accepted;
    // The peer does not read what it asked for, up to the high-water mark of the send queue.
    if (!taken) peer.abort();
  }

  void on_close(myra::connection&, std::error_code why) override {
    std::printf("a connection ended: %s\n", why.message().c_str());
  }
};

int fail(const myra::error_report& why) {
  std::fprintf(stderr, "echo_callbacks: %s\n", myra::describe(why).c_str());
  return 2;
}

}  // namespace

int main() {
  echo_handler handler;  // outlives the reactor, and so every connection
  auto reactor = myra::reactor::open();
  if (!reactor) return fail(reactor.error());
  auto listener = myra::listener::open(*reactor, {.address = "[::]:7000"});
  if (!listener) return fail(listener.error());
  listener->serve(handler);
  return reactor->run_until_signal();
}
