#include "servers.hpp"

#include <netinet/in.h>
#include <poll.h>

#include <deque>
#include <stdexcept>
#include <utility>

namespace myra::simtest {
namespace {

/// Sends back what comes; what cannot be sent yet waits here, and the peer with it.
class echo_handler final : public connection_handler {
 public:
  echo_handler(server_style style, std::uint64_t seed) : style_(style), chance_(seed) {}

  void on_receive(connection& peer, message& bytes) override {
    waiting_.push_back(bytes.detach());
    if (!pass_on(peer)) return peer.pause_receive();
    if (style_ != server_style::pausing || !chance_.chance(200)) return;
    peer.pause_receive();
    // Resumed by a post, from a turn of its own.
    static_cast<void>(
        peer.handle().post([](connection& paused) noexcept { paused.resume_receive(); }));
  }
  void on_writable(connection& peer) override {
    if (!pass_on(peer)) return;
    peer.resume_receive();
    if (ended_) peer.close();
  }
  void on_end(connection& peer) override {
    ended_ = true;
    if (waiting_.empty()) peer.close();
  }

 private:
  /// Whether nothing waits any more.
  bool pass_on(connection& peer) {
    while (!waiting_.empty()) {
      auto status = send_status::back_pressured;
      if (style_ == server_style::copying) status = peer.send_copy(waiting_.front().bytes()).status;
      // Who finds no buffer to copy into hands on the one that is kept (docs/guide.md).
      if (status == send_status::back_pressured)
        status = peer.send(std::move(waiting_.front())).status;
      if (status == send_status::back_pressured) return false;
      waiting_.pop_front();
    }
    return true;
  }

  server_style style_;
  sim::random chance_;
  std::deque<buffer> waiting_;
  bool ended_ = false;
};

task<> echo(connection peer) {
  while (auto bytes = co_await peer.receive())
    if (!co_await peer.send(std::move(*bytes))) break;
}

}  // namespace

listener open_echo(reactor& on, const server_options& options) {
  listener_options how;
  how.address = "*:7000";
  how.connections_max = options.connections_max;
  how.connection = options.connection;
  for (int attempt = 0; attempt < 5; ++attempt) {
    auto made = listener::open(on, how);
    if (!made) continue;
    if (options.style == server_style::coroutine)
      made->serve(echo);
    else
      made->serve([style = options.style, seed = options.seed]() mutable {
        return std::make_unique<echo_handler>(style, ++seed);
      });
    return std::move(*made);
  }
  throw std::runtime_error("the listener cannot be opened");
}

struct watcher::state {
  struct polling : io::poll_operation {
    polling() : poll_operation([](io::operation&, io::completion&) noexcept {}) {}
  };
  explicit state(reactor& runs) : on(runs.internals()) {}
  loop& on;
  polling poll;
};

watcher::watcher(reactor& on, std::uint16_t port) : state_(std::make_unique<state>(on)) {
  io::network& sockets = state_->on.backend().sockets();
  int socket = -1;
  for (int attempt = 0; attempt < 100 && socket < 0; ++attempt)
    socket = sockets.open(AF_INET, SOCK_STREAM, 0);
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  if (socket < 0 || sockets.bind(socket, reinterpret_cast<const sockaddr*>(&any), sizeof any) < 0 ||
      sockets.listen(socket, 16) < 0)
    throw std::runtime_error("the watched socket cannot be opened");
  state_->poll.descriptor = socket;
  state_->poll.events = POLLIN;
  state_->poll.multishot = true;
  state_->on.backend().submit(state_->poll);
}

watcher::~watcher() {
  io::backend& under = state_->on.backend();
  under.cancel(state_->poll);
  while (!state_->poll.idle())
    static_cast<void>(state_->on.turn(under.now() + std::chrono::milliseconds(1)));
  under.sockets().close(state_->poll.descriptor);
}

}  // namespace myra::simtest
