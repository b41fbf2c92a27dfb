#include "myra/transport/shared_listener.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace myra {
namespace {

/// A socket between two reactors: it belongs to the call that carries it, and is closed when that
/// is dropped.
class carried_socket {
 public:
  explicit carried_socket(int socket) noexcept : socket_(socket) {}
  carried_socket(carried_socket&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  carried_socket& operator=(carried_socket&&) = delete;
  ~carried_socket() {
    if (socket_ >= 0) ::close(socket_);
  }
  [[nodiscard]] int take() noexcept { return std::exchange(socket_, -1); }

 private:
  int socket_;
};

}  // namespace

shared_listener::shared_listener(listener_options options, port_sharing how,
                                 std::uint32_t reactor_count)
    : options_(std::move(options)), how_(how), seats_(reactor_count) {
  if (options_.inherited_descriptor >= 0) how_ = port_sharing::one_acceptor;
  if (how_ == port_sharing::reuse_port && reactor_count > 1) options_.reuse_port = true;
  for (seat& each : seats_) each.of = this;
}

opened<listener> shared_listener::open(reactor& on, std::uint32_t index) const {
  if (index == 0) return listener::open(on, options_);
  if (how_ == port_sharing::one_acceptor) return listener::open_fed(on, options_, local_);
  listener_options same = options_;
  same.address = local_.to_string();  // when the port was the kernel's choice, the others share it
  return listener::open(on, same);
}

opened<listener*> shared_listener::join(reactor& on, std::uint32_t index) {
  auto made = open(on, index);
  if (!made) return std::unexpected(std::move(made.error()));
  if (index == 0) local_ = made->local();
  seat& taken = seats_[index];
  open_courier(taken, on);
  auto which = diversion::at_close;
  if (how_ == port_sharing::one_acceptor && taken.carrier)
    which = taken.carrier->has_inlet() ? diversion::each : diversion::each_as_ordinary;
  made->divert(which, [this, &taken](io::descriptor socket) noexcept {
    return pass_on(socket, taken, carriage::by_any);
  });
  const std::lock_guard guard(lock_);
  taken.at = std::make_unique<listener>(std::move(*made));
  taken.on = &on;
  taken.runs = &on.internals();
  return taken.at.get();
}

void shared_listener::open_courier(seat& taken, reactor& on) {
  if (seats_.size() == 1) return;
  taken.carrier = std::make_unique<courier>(on.internals(), taken);
  const auto inlet = taken.carrier->open_inlet();
  taken.way = inlet ? "from ring to ring" : "through its inbox: " + inlet.error().what;
  if (!inlet && how_ == port_sharing::one_acceptor)
    on.internals().log()(log_level::info, "listener " + local_.to_string() +
                                              ": connections are handed over " + taken.way);
}

const std::string& shared_listener::way_to(std::uint32_t index) const noexcept {
  return seats_[index].way;
}

void shared_listener::leave(std::uint32_t index) noexcept {
  const std::lock_guard guard(lock_);
  seats_[index].on = nullptr;
}

void shared_listener::end(std::uint32_t index) noexcept {
  seat& left = seats_[index];
  std::unique_ptr<listener> ended;  // goes without the lock: its end may pass sockets on
  {
    const std::lock_guard guard(lock_);
    ended.swap(left.at);
  }
  if (left.carrier) left.carrier->retire();
}

/// Returns what nobody has taken: what stays where it is, or what nobody is left for.
io::descriptor shared_listener::pass_on(io::descriptor socket, seat& from, carriage how) noexcept {
  const std::lock_guard guard(lock_);
  const bool stays = from.on != nullptr;
  if (stays && how_ == port_sharing::reuse_port) return socket;
  const auto count = static_cast<std::uint32_t>(seats_.size());
  for (std::uint32_t tried = 0; tried < count; ++tried) {
    const seat& to = seats_[next_++ % count];
    if (&to == &from && stays) return socket;
    if (to.on == nullptr) continue;
    if (how == carriage::by_any && from.carrier->send(socket, *to.carrier)) return {};
    if (!make_ordinary(socket, from)) continue;
    if (post(to, socket.number())) return {};
  }
  const auto there = [](const seat& each) { return each.on != nullptr; };
  if (stays || std::ranges::none_of(seats_, there)) return socket;
  from.carrier->hold(socket);
  return {};
}

/// A place in one ring's table means nothing elsewhere.
bool shared_listener::make_ordinary(io::descriptor& socket, const seat& at) noexcept {
  if (!socket.is_direct()) return true;
  io::network& sockets = at.runs->backend().sockets();
  const int real = sockets.duplicate(socket);
  if (real < 0) return false;
  sockets.close(std::exchange(socket, real));
  return true;
}

bool shared_listener::post(const seat& to, int socket) noexcept {
  auto made = std::make_unique<carried_socket>(socket);
  carried_socket& carried = *made;
  posted_call call = [at = to.at.get(), made = std::move(made)]() noexcept {
    at->take(made->take());
  };
  if (to.on->internals().post(call) == post_status::accepted) return true;
  static_cast<void>(carried.take());  // the next one may have room for it
  return false;
}

void shared_listener::seat::came(io::descriptor socket) noexcept {
  if (at) return at->take_in(socket);
  keep(of->pass_on(socket, *this, carriage::by_any));
}

void shared_listener::seat::came_back(io::descriptor socket) noexcept {
  keep(of->pass_on(socket, *this, carriage::by_inbox));
}

void shared_listener::seat::try_again(io::descriptor socket) noexcept {
  keep(of->pass_on(socket, *this, carriage::by_any));
}

void shared_listener::seat::keep(io::descriptor left) noexcept {
  if (!left.valid()) return;
  if (on != nullptr && at) return at->take_in(left);
  runs->backend().sockets().close(left);
}

}  // namespace myra
