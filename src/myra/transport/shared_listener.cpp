#include "myra/transport/shared_listener.hpp"

#include <unistd.h>

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
  if (how == port_sharing::reuse_port && reactor_count > 1) options_.reuse_port = true;
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
  const auto which = how_ == port_sharing::one_acceptor ? diversion::each : diversion::at_close;
  made->divert(which, [this, index](int socket) noexcept { return pass_on(socket, index); });
  const std::lock_guard guard(lock_);
  seat& taken = seats_[index];
  taken.at = std::make_unique<listener>(std::move(*made));
  taken.on = &on;
  return taken.at.get();
}

void shared_listener::leave(std::uint32_t index) noexcept {
  const std::lock_guard guard(lock_);
  seats_[index].on = nullptr;
}

void shared_listener::end(std::uint32_t index) noexcept {
  std::unique_ptr<listener> ended;  // goes without the lock: its end may pass sockets on
  const std::lock_guard guard(lock_);
  ended.swap(seats_[index].at);
}

bool shared_listener::pass_on(int socket, std::uint32_t from) noexcept {
  const std::lock_guard guard(lock_);
  const bool stays = seats_[from].on != nullptr;
  if (stays && how_ == port_sharing::reuse_port) return false;
  const auto count = static_cast<std::uint32_t>(seats_.size());
  for (std::uint32_t tried = 0; tried < count; ++tried) {
    const std::uint32_t at = next_++ % count;
    if (at == from && stays) return false;
    if (seats_[at].on != nullptr && post(seats_[at], socket)) return true;
  }
  return false;
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

}  // namespace myra
