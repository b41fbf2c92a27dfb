// Peers that are sockets of a simulated network: the scripts of raw_peer.cpp, carried out as the
// world lets it happen. They live on the machine of the reactor under test, as raw ones do.
#include <sys/un.h>

#include <stdexcept>
#include <system_error>
#include <utility>

#include "myra/io/sim/simulation.hpp"
#include "myra/reactor/options.hpp"
#include "peer.hpp"

namespace myra::conformance {
namespace {

using namespace std::chrono_literals;

constexpr duration step_limit = 10s;

sim::address address_of(const endpoint& from) { return {from.address(), from.size()}; }

endpoint endpoint_of(const sim::address& from) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  from.store(reinterpret_cast<sockaddr*>(&storage), &size);
  return endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&storage), size);
}

/// The world has as many errors as the kernel has; a case that cannot begin says which.
void must(int status, const char* call) {
  if (status < 0) throw std::system_error(-status, std::system_category(), call);
}

/// What became of a step, or of a part of it.
enum class outcome { done, waits, over };

/// Ended by the other side, or broken.
bool is_over(const sim::socket& connected) {
  return connected.end_arrived || connected.error != 0 || connected.phase == sim::phase::over;
}

/// One socket and what it saw.
class sim_end {
 public:
  explicit sim_end(sim::simulation& world) noexcept : world_(world) {}

  [[nodiscard]] sim::socket* socket() noexcept { return socket_; }
  void use(sim::socket& connected, sim::socket_user& by) noexcept {
    socket_ = &connected;
    socket_->user = &by;
  }
  void close() {
    if (socket_ != nullptr) world_.close(*std::exchange(socket_, nullptr));
  }

  /// From its beginning: what the step before left behind is forgotten.
  void begin() noexcept { done_ = 0; }
  /// As far as it goes. `pause`: for how long nothing is to be done before the next call.
  [[nodiscard]] outcome act_on(const step& next, duration& pause) {
    using act = step::act;
    switch (next.what) {
      case act::send: return send(next.bytes.size(), next);
      case act::send_in_pieces: return send_piece(next, pause);
      case act::receive: return receive(next.count, std::size_t{64} * 1024, 0ms, pause);
      case act::receive_to_end: return receive(SIZE_MAX, std::size_t{64} * 1024, 0ms, pause);
      case act::receive_slowly: return receive(SIZE_MAX, next.count, next.pause, pause);
      case act::half_close: static_cast<void>(world_.shutdown(*socket_, SHUT_WR)); break;
      case act::reset: socket_->resets_at_close = socket_->family != AF_UNIX; return outcome::over;
      case act::close: return outcome::over;
      case act::wait:
        if (std::exchange(done_, 1) == 0) return pause = next.pause, outcome::waits;
        break;
      case act::stay: return is_over(*socket_) ? outcome::over : outcome::waits;
      case act::small_window: socket_->receive_buffer = std::size_t{64} * 1024; break;
    }
    return outcome::done;
  }

  transcript seen;

 private:
  /// Until `end` bytes of the step have gone.
  outcome send(std::size_t end, const step& next) {
    while (done_ < end) {
      const auto sent = world_.send(*socket_, as_bytes(next.bytes).subspan(done_, end - done_));
      if (sent == -EAGAIN) return outcome::waits;
      if (sent < 0) return failed(static_cast<int>(-sent));
      done_ += static_cast<std::size_t>(sent);
    }
    return outcome::done;
  }

  outcome send_piece(const step& next, duration& pause) {
    while (done_ < next.bytes.size()) {
      const std::size_t end = std::min(next.bytes.size(), (done_ / next.count + 1) * next.count);
      if (const outcome sent = send(end, next); sent != outcome::done) return sent;
      if (next.pause != 0ms) return pause = next.pause, outcome::waits;
    }
    return outcome::done;
  }

  outcome receive(std::size_t count, std::size_t piece_size, duration between, duration& pause) {
    std::string piece(piece_size, '\0');
    while (done_ < count) {
      const auto got = world_.receive(*socket_, reinterpret_cast<std::byte*>(piece.data()),
                                      std::min(piece.size(), count - done_));
      if (got == -EAGAIN) return outcome::waits;
      if (got < 0) return failed(static_cast<int>(-got));
      if (got == 0) {
        seen.saw_end = true;
        return count == SIZE_MAX ? outcome::done : outcome::over;
      }
      seen.received.append(piece.data(), static_cast<std::size_t>(got));
      if (count != SIZE_MAX) done_ += static_cast<std::size_t>(got);
      if (between != duration::zero()) return pause = between, outcome::waits;
    }
    return outcome::done;
  }

  outcome failed(int error) {
    seen.saw_reset = error == ECONNRESET || error == EPIPE;
    return outcome::over;
  }

  sim::simulation& world_;
  sim::socket* socket_ = nullptr;
  std::size_t done_ = 0;  ///< Of the present step.
};

/// A script under way: the ends get their connections one after the other, then all do the first
/// step, then the second.
class sim_script final : public sim::socket_user, public std::enable_shared_from_this<sim_script> {
 public:
  sim_script(sim::machine& on, std::size_t count, script what)
      : machine_(on), world_(on.world()), script_(std::move(what)) {
    for (std::size_t i = 0; i < count; ++i) ends_.emplace_back(world_);
  }

  void begin_connecting(const endpoint& to) {
    to_ = address_of(to);
    go_on();
  }
  void begin_accepting(sim::socket& listening) {
    listening_ = &listening;
    listening.user = this;
    go_on();
  }

  [[nodiscard]] bool done() const noexcept { return done_; }
  [[nodiscard]] const transcript& told() const noexcept { return told_; }

  void readable(sim::socket&) override { go_on(); }
  void writable(sim::socket&) override { go_on(); }
  void forsaken(sim::socket&) override {}

 private:
  void go_on() {
    while (!done_) {
      if (world_.now() < pause_until_) return;
      const outcome came = connected_count_ < ends_.size() ? get_connection() : carry_out();
      if (came == outcome::waits) return await();
      deadline_ = never;
    }
  }

  outcome get_connection() {
    sim_end& next = ends_[connected_count_];
    const outcome came = listening_ != nullptr ? accept(next) : connect(next);
    if (came != outcome::waits) ++connected_count_;
    return came;
  }

  outcome accept(sim_end& next) {
    sim::socket* made = world_.accept(*listening_);
    if (made == nullptr && world_.now() < deadline_) return outcome::waits;
    if (made != nullptr) next.use(*made, *this);
    next.seen.connected = made != nullptr;
    world_.close(*std::exchange(listening_, nullptr));
    return outcome::done;
  }

  outcome connect(sim_end& next) {
    if (next.socket() == nullptr) {
      next.use(world_.open(machine_, to_.family()), *this);
      const int status = world_.connect(*next.socket(), to_);
      if (status == -EINPROGRESS) return outcome::waits;
      if (status < 0) return refuse(next, -status);
    }
    if (next.socket()->phase == sim::phase::connecting) return outcome::waits;
    if (const int error = next.socket()->error; error != 0) return refuse(next, error);
    next.seen.connected = true;
    return outcome::done;
  }

  static outcome refuse(sim_end& next, int error) {
    next.seen.saw_reset = error == ECONNRESET;
    next.close();
    return outcome::over;
  }

  outcome carry_out() {
    if (step_ == script_.size()) return end(), outcome::over;
    sim_end& next = ends_[end_];
    if (next.socket() != nullptr) {
      duration pause = duration::zero();
      const outcome came =
          world_.now() >= deadline_ ? too_late(next) : next.act_on(script_[step_], pause);
      if (pause != duration::zero()) {
        pause_until_ = world_.now() + pause;
        deadline_ = never;
      }
      if (came == outcome::waits) return came;
      if (came == outcome::over) next.close();
    }
    next.begin();
    if (++end_ == ends_.size()) end_ = 0, ++step_;
    return outcome::done;
  }

  static outcome too_late(sim_end& next) {
    next.seen.in_time = false;
    return outcome::over;
  }

  /// Something will call, or the pause or the limit will be over.
  void await() {
    if (deadline_ == never) deadline_ = std::max(world_.now(), pause_until_) + step_limit;
    const time_point when = world_.now() < pause_until_ ? pause_until_ : deadline_;
    if (call_at_ <= when) return;
    call_at_ = when;
    world_.call_at(when, [weak = weak_from_this(), when] {
      const auto self = weak.lock();
      if (!self || self->call_at_ != when) return;
      self->call_at_ = never;
      self->go_on();
      if (!self->done_) self->await();
    });
  }

  void end() {
    for (sim_end& each : ends_) each.close();
    told_ = all_seen(ends_);
    done_ = true;
  }

  sim::machine& machine_;
  sim::simulation& world_;
  sim::address to_;
  sim::socket* listening_ = nullptr;
  script script_;
  std::vector<sim_end> ends_;
  std::size_t connected_count_ = 0;
  std::size_t step_ = 0;
  std::size_t end_ = 0;
  time_point pause_until_{};
  time_point deadline_ = never;  ///< Of what is waited for.
  time_point call_at_ = never;   ///< The next appointment.
  transcript told_;
  bool done_ = false;
};

class sim_peer final : public peer {
 public:
  sim_peer(sim::simulation& world, std::shared_ptr<sim_script> runs)
      : world_(world), script_(std::move(runs)) {}
  ~sim_peer() override { run_to_end(); }

  [[nodiscard]] bool done() const noexcept override { return script_->done(); }
  transcript finish() override {
    run_to_end();
    return script_->told();
  }

 private:
  /// Its steps have limits, so that it ends.
  void run_to_end() {
    while (!script_->done() && world_.step()) {
    }
  }

  sim::simulation& world_;
  std::shared_ptr<sim_script> script_;
};

class sim_hand final : public hand {
 public:
  sim_hand(sim::simulation& world, sim::socket& connected) : world_(world), socket_(connected) {}
  ~sim_hand() override { world_.close(socket_); }

  bool send(std::string_view bytes) override {
    return world_.send(socket_, as_bytes(bytes)) == static_cast<std::int64_t>(bytes.size());
  }
  void half_close() override { static_cast<void>(world_.shutdown(socket_, SHUT_WR)); }
  bool receive(std::string& into) override {
    // What was sent is a moment on its way here; on loopback it is there at once.
    for (const time_point end = world_.now() + 100us; world_.next() <= end;)
      static_cast<void>(world_.step());
    for (;;) {
      char piece[16384];
      const auto got =
          world_.receive(socket_, reinterpret_cast<std::byte*>(&piece[0]), sizeof piece);
      if (got <= 0) return got != -EAGAIN;
      into.append(&piece[0], static_cast<std::size_t>(got));
    }
  }

 private:
  sim::simulation& world_;
  sim::socket& socket_;
};

class sim_host final : public peer_host {
 public:
  std::unique_ptr<peer> dial(const endpoint& to, script what) override {
    return dial_many(to, 1, std::move(what));
  }

  std::unique_ptr<peer> dial_many(const endpoint& to, std::size_t count, script what) override {
    auto made = std::make_shared<sim_script>(machine_, count, std::move(what));
    made->begin_connecting(to);
    return keep(std::move(made));
  }

  std::unique_ptr<peer> answer(const endpoint& near, script what, endpoint& at) override {
    auto made = std::make_shared<sim_script>(machine_, 1, std::move(what));
    made->begin_accepting(listen_near(near, 16, at));
    return keep(std::move(made));
  }

  std::unique_ptr<hand> take(const endpoint& to, int receive_buffer_bytes) override {
    return std::make_unique<sim_hand>(world_, connect(to, receive_buffer_bytes));
  }

  std::unique_ptr<hand> pair(io::network&, int& ours) override {
    endpoint at;
    sim::socket& listening = listen_near(endpoint::parse("unix:@pair").value(), 1, at);
    sim::socket& theirs = connect(at, 0);
    ours = machine_.install(*world_.accept(listening));
    world_.close(listening);
    return std::make_unique<sim_hand>(world_, theirs);
  }

  bool send_datagram(const endpoint& to, std::string_view bytes) override {
    sim::socket& made = world_.open(machine_, to.family());
    made.datagrams = true;
    const auto sent = world_.send_datagram(made, address_of(to), as_bytes(bytes));
    // As on loopback, it is there when the call returns.
    for (const time_point end = world_.now() + 100us; world_.next() <= end;)
      static_cast<void>(world_.step());
    world_.close(made);
    return sent == static_cast<std::int64_t>(bytes.size());
  }

  endpoint refusing(const endpoint& near) override {
    endpoint at;
    world_.close(listen_near(near, 1, at));
    return at;
  }

  endpoint silent(const endpoint& near) override {
    endpoint at;
    // Neither is ever closed: the world goes before they do.
    static_cast<void>(listen_near(near, 0, at));
    static_cast<void>(connect(at, 0));
    return at;
  }

  void place(reactor_options& made) override { made.source = &machine_; }
  [[nodiscard]] time_point now() const override { return world_.now(); }
  void pass(duration time) override { world_.advance(world_.now() + time); }
  void waited(duration time) override { pass(time); }
  void keep_pace() override { world_.keep_pace(); }
  [[nodiscard]] std::vector<std::string> complaints() override {
    std::vector<std::string> all = world_.complaints();
    if (const auto open = machine_.open_descriptor_count(); open != 0)
      all.push_back(std::to_string(open) + " descriptors of the simulated machine were not closed");
    return all;
  }

 private:
  std::unique_ptr<peer> keep(std::shared_ptr<sim_script> made) {
    return std::make_unique<sim_peer>(world_, std::move(made));
  }

  sim::socket& listen_near(const endpoint& near, int backlog, endpoint& at) {
    sim::socket& made = world_.open(machine_, near.family());
    must(world_.bind(made, address_of(near)), "bind");
    must(world_.listen(made, backlog), "listen");
    at = endpoint_of(made.local);
    return made;
  }

  sim::socket& connect(const endpoint& to, int receive_buffer_bytes) {
    sim::socket& made = world_.open(machine_, to.family());
    if (receive_buffer_bytes != 0)
      made.receive_buffer = 2 * static_cast<std::size_t>(receive_buffer_bytes);
    const int status = world_.connect(made, address_of(to));
    if (status != -EINPROGRESS) must(status, "connect");
    while (made.phase == sim::phase::connecting && world_.step()) {
    }
    must(-made.error, "connect");
    return made;
  }

  sim::simulation world_{1, sim::faults::none()};
  sim::machine& machine_ = world_.add_machine("here");
};

}  // namespace

std::unique_ptr<peer_host> simulated_sockets() { return std::make_unique<sim_host>(); }

}  // namespace myra::conformance
