// Peers in a simulated network: the scripts of peer.hpp as state machines, which go on whenever
// something happens to their sockets.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>

#include "myra/io/sim/simulation.hpp"
#include "peer.hpp"

namespace myra::conformance {
namespace {

using sim::simulation;

constexpr auto step_limit = std::chrono::seconds(10);

sim::address address_of(const endpoint& from) { return {from.address(), from.size()}; }

endpoint endpoint_of(const sim::address& from) {
  sockaddr_storage storage{};
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = sizeof storage;
  from.store(address, &size);
  return endpoint::from_kernel(address, size);
}

sim::socket& listen_near(simulation& world, sim::machine& on, const endpoint& near, int backlog) {
  sim::socket& made = world.open(on, near.family());
  static_cast<void>(world.bind(made, address_of(near)));
  static_cast<void>(world.listen(made, backlog));
  return made;
}

/// What a step has done so far, at one of the ends.
struct place {
  std::size_t step = 0;
  std::size_t end = 0;
  std::size_t count = 0;  ///< Bytes of the step that are done.
  bool begun = false;
  time_point limit = {};
  time_point paused_until = {};
};

class simulated_peer final : public peer, private sim::socket_user {
 public:
  /// `listening` accepts one connection; without one `count` are made to `to`.
  simulated_peer(simulation& world, sim::machine& on, sim::socket* listening, const endpoint& to,
                 std::size_t count, script what)
      : world_(world),
        on_(on),
        listening_(listening),
        to_(to),
        count_(count),
        script_(std::move(what)) {
    if (listening_ != nullptr) listening_->user = this;
    look_again_at(world_.now());
  }
  ~simulated_peer() override {
    for (end& each : ends_) close(each);
    if (listening_ != nullptr) world_.close(*listening_);
  }

  [[nodiscard]] bool done() const noexcept override { return done_; }
  transcript finish() override {
    while (!done_ && world_.step()) {
    }
    return told_;
  }

 private:
  struct end {
    sim::socket* socket = nullptr;
    transcript seen;
  };
  enum class outcome { waits, done, over };

  void readable(sim::socket&) override { look_again_at(world_.now()); }
  void writable(sim::socket&) override { look_again_at(world_.now()); }
  void forsaken(sim::socket&) override {}

  /// Not from inside what the socket was told.
  void look_again_at(time_point when) {
    world_.call_at(when, [this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) run();
    });
  }

  void run() {
    while (!done_ && (made_ < count_ ? connect_next() : carry_on())) {
    }
  }

  /// Whether to go on at once.
  bool connect_next() {
    if (listening_ != nullptr) return accept_one();
    if (ends_.size() == made_) {
      end& made = ends_.emplace_back();
      made.socket = &world_.open(on_, to_.family());
      made.socket->user = this;
      const int status = world_.connect(*made.socket, address_of(to_));
      return settle_connect(made, status);
    }
    end& made = ends_.back();
    if (made.socket->phase == sim::phase::connecting) return false;
    return settle_connect(made, simulation::take_error(*made.socket));
  }

  bool settle_connect(end& made, int status) {
    if (status == -EINPROGRESS) return false;
    made.seen.connected = status == 0;
    if (status != 0) close(made);
    ++made_;
    return true;
  }

  bool accept_one() {
    if (!at_.begun) begin_wait();
    sim::socket* accepted = world_.accept(*listening_);
    if (accepted == nullptr && world_.now() < at_.limit) return false;
    end& made = ends_.emplace_back();
    made.socket = accepted;
    made.seen.connected = accepted != nullptr;
    if (accepted != nullptr) accepted->user = this;
    world_.close(*std::exchange(listening_, nullptr));
    at_ = {};
    ++made_;
    return true;
  }

  void begin_wait() {
    at_.begun = true;
    at_.limit = world_.now() + step_limit;
    look_again_at(at_.limit);
  }

  bool carry_on() {
    if (at_.step == script_.size()) {
      for (end& each : ends_) close(each);
      tell();
      return false;
    }
    if (at_.end == ends_.size()) {
      at_ = {.step = at_.step + 1};
      return true;
    }
    end& acting = ends_[at_.end];
    const outcome came = acting.socket == nullptr ? outcome::done : act(acting, script_[at_.step]);
    if (came == outcome::waits) return false;
    if (came == outcome::over) close(acting);
    at_ = {.step = at_.step, .end = at_.end + 1};
    return true;
  }

  outcome act(end& by, const step& next) {
    using act = step::act;
    if (!at_.begun) begin_wait();
    if (world_.now() < at_.paused_until) return outcome::waits;
    switch (next.what) {
      case act::send: return send(by, next.bytes.size(), next);
      case act::send_in_pieces: return send(by, next.count, next);
      case act::receive: return receive(by, next.count, 64 * 1024, next);
      case act::receive_to_end: return receive(by, SIZE_MAX, 64 * 1024, next);
      case act::receive_slowly: return receive(by, SIZE_MAX, next.count, next);
      case act::half_close:
        static_cast<void>(world_.shutdown(*by.socket, SHUT_WR));
        return outcome::done;
      case act::reset:
        by.socket->resets_at_close = by.socket->family != AF_UNIX;
        return outcome::over;
      case act::close: return outcome::over;
      case act::wait: return pause(next) ? outcome::waits : outcome::done;
      case act::small_window: by.socket->receive_buffer = 64 * 1024; return outcome::done;
    }
    return outcome::over;
  }

  /// Whether there is a pause to be made, once.
  bool pause(const step& next) {
    if (next.pause.count() == 0 || at_.count == SIZE_MAX) return false;
    if (next.what == step::act::wait) at_.count = SIZE_MAX;
    at_.paused_until = world_.now() + next.pause;
    look_again_at(at_.paused_until);
    return true;
  }

  outcome send(end& by, std::size_t piece_size, const step& next) {
    const auto bytes = as_bytes(next.bytes);
    while (at_.count < bytes.size()) {
      const std::size_t left_of_piece = piece_size - at_.count % piece_size;
      const auto piece =
          bytes.subspan(at_.count, std::min(left_of_piece, bytes.size() - at_.count));
      const std::int64_t sent = world_.send(*by.socket, piece);
      if (sent == -EAGAIN) return in_time(by);
      if (sent < 0) return failed(by, static_cast<int>(sent));
      at_.count += static_cast<std::size_t>(sent);
      at_.limit = world_.now() + step_limit;
      if (at_.count % piece_size == 0 && next.what == step::act::send_in_pieces && pause(next))
        return outcome::waits;
    }
    return outcome::done;
  }

  outcome receive(end& by, std::size_t count, std::size_t piece_size, const step& next) {
    std::vector<std::byte> piece(piece_size);
    while (at_.count < count) {
      const std::size_t wanted = std::min(piece_size, count - at_.count);
      const std::int64_t got = world_.receive(*by.socket, piece.data(), wanted);
      if (got == -EAGAIN) return in_time(by);
      if (got < 0) return failed(by, static_cast<int>(got));
      if (got == 0) {
        by.seen.saw_end = true;
        return count == SIZE_MAX ? outcome::done : outcome::over;
      }
      by.seen.received.append(reinterpret_cast<const char*>(piece.data()),
                              static_cast<std::size_t>(got));
      at_.count += static_cast<std::size_t>(got);
      if (pause(next)) return outcome::waits;
    }
    return outcome::done;
  }

  outcome in_time(end& by) {
    if (world_.now() < at_.limit) return outcome::waits;
    by.seen.in_time = false;
    return outcome::over;
  }

  static outcome failed(end& by, int error) {
    by.seen.saw_reset = error == -ECONNRESET || error == -EPIPE;
    return outcome::over;
  }

  void close(end& closed) {
    if (closed.socket != nullptr) world_.close(*std::exchange(closed.socket, nullptr));
  }

  void tell() {
    done_ = true;
    told_.connected = told_.saw_end = told_.saw_reset = told_.done = true;
    for (const end& each : ends_) {
      told_.received += each.seen.received;
      told_.connections += each.seen.connected ? 1 : 0;
      told_.ends += each.seen.saw_end ? 1 : 0;
      told_.resets += each.seen.saw_reset ? 1 : 0;
      told_.connected = told_.connected && each.seen.connected;
      told_.saw_end = told_.saw_end && each.seen.saw_end;
      told_.saw_reset = told_.saw_reset && each.seen.saw_reset;
      told_.in_time = told_.in_time && each.seen.in_time;
    }
  }

  simulation& world_;
  sim::machine& on_;
  sim::socket* listening_;
  endpoint to_;
  std::size_t count_;
  std::size_t made_ = 0;
  script script_;
  std::deque<end> ends_;
  place at_;
  transcript told_;
  bool done_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

class simulated_host final : public peer_host {
 public:
  simulated_host(simulation& world, sim::machine& on) : world_(world), on_(on) {}
  ~simulated_host() override {
    for (sim::socket* each : kept_) world_.close(*each);
  }

  std::unique_ptr<peer> dial(const endpoint& to, script what) override {
    return dial_many(to, 1, std::move(what));
  }
  std::unique_ptr<peer> dial_many(const endpoint& to, std::size_t count, script what) override {
    return std::make_unique<simulated_peer>(world_, on_, nullptr, to, count, std::move(what));
  }
  std::unique_ptr<peer> answer(const endpoint& near, script what, endpoint& at) override {
    sim::socket& listening = listen_near(world_, on_, near, 16);
    at = endpoint_of(listening.local);
    return std::make_unique<simulated_peer>(world_, on_, &listening, endpoint(), 1,
                                            std::move(what));
  }
  endpoint refusing(const endpoint& near) override {
    sim::socket& gone = listen_near(world_, on_, near, 1);
    endpoint at = endpoint_of(gone.local);
    world_.close(gone);
    return at;
  }
  endpoint silent(const endpoint& near) override {
    sim::socket& full = listen_near(world_, on_, near, 0);
    kept_.push_back(&full);
    for (int i = 0; i < 3; ++i) {
      sim::socket& filler = world_.open(on_, near.family());
      kept_.push_back(&filler);
      static_cast<void>(world_.connect(filler, full.local));
    }
    const time_point end = world_.now() + std::chrono::milliseconds(1);
    while (world_.next() <= end) world_.step();
    return endpoint_of(full.local);
  }

 private:
  simulation& world_;
  sim::machine& on_;
  std::vector<sim::socket*> kept_;
};

}  // namespace

std::unique_ptr<peer_host> simulated_peers(sim::simulation& world, sim::machine& on) {
  return std::make_unique<simulated_host>(world, on);
}

}  // namespace myra::conformance
