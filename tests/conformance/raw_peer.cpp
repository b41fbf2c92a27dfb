#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "peer.hpp"

namespace myra::conformance {
namespace {

using steady = std::chrono::steady_clock;
constexpr std::chrono::seconds step_limit{10};

class descriptor {
 public:
  explicit descriptor(int value = -1) noexcept : value_(value) {}
  descriptor(descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~descriptor() { close(); }
  [[nodiscard]] int get() const noexcept { return value_; }
  void close() noexcept {
    if (value_ >= 0) ::close(std::exchange(value_, -1));
  }

 private:
  int value_;
};

int must(int result, const char* call) {
  if (result < 0) throw std::system_error(errno, std::system_category(), call);
  return result;
}

bool ready(int socket, short events) {
  pollfd asked{.fd = socket, .events = events, .revents = 0};
  return ::poll(&asked, 1, static_cast<int>(std::chrono::milliseconds(step_limit).count())) == 1;
}

class raw_peer final : public peer {
 public:
  /// `listening` accepts one connection; without one the peer connects to `to`.
  raw_peer(descriptor listening, const endpoint& to, script what)
      : listening_(std::move(listening)), to_(to), script_(std::move(what)), thread_([this] { run(); }) {}
  ~raw_peer() override {
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] bool done() const noexcept override { return done_.load(std::memory_order_acquire); }

  [[nodiscard]] transcript finish() override {
    if (thread_.joinable()) thread_.join();
    return seen_;
  }

 private:
  void run() {
    connected();
    if (seen_.connected)
      for (const step& next : script_)
        if (!carry_out(next)) break;
    socket_.close();
    seen_.done = true;
    done_.store(true, std::memory_order_release);
  }

  void connected() {
    if (listening_.get() >= 0) {
      seen_.in_time = ready(listening_.get(), POLLIN);
      if (seen_.in_time) socket_ = descriptor(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      listening_.close();
    } else {
      socket_ = descriptor(::socket(to_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (::connect(socket_.get(), to_.address(), to_.size()) < 0) socket_.close();
    }
    seen_.connected = socket_.get() >= 0;
  }

  /// False: the connection is over.
  bool carry_out(const step& next) {
    using act = step::act;
    switch (next.what) {
      case act::send: return send_all(next.bytes);
      case act::send_in_pieces: return send_pieces(next);
      case act::receive: return receive(next.count);
      case act::receive_to_end: return receive(SIZE_MAX);
      case act::half_close: ::shutdown(socket_.get(), SHUT_WR); return true;
      case act::reset: reset(); return false;
      case act::close: socket_.close(); return false;
      case act::wait: std::this_thread::sleep_for(next.pause); return true;
      case act::small_window: {
        const int least = 1;
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
        return true;
      }
    }
    return false;
  }

  void reset() {
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    socket_.close();
  }

  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!ready(socket_.get(), POLLOUT)) return seen_.in_time = false;
      const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) continue;
      if (sent < 0) return failed();
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool send_pieces(const step& next) {
    std::string_view left = next.bytes;
    while (!left.empty()) {
      if (!send_all(left.substr(0, next.count))) return false;
      left.remove_prefix(std::min(left.size(), next.count));
      if (next.pause.count() != 0) std::this_thread::sleep_for(next.pause);
    }
    return true;
  }

  bool receive(std::size_t count) {
    std::string piece(64 * 1024, '\0');
    const auto deadline = steady::now() + step_limit;
    while (count > 0) {
      if (steady::now() > deadline || !ready(socket_.get(), POLLIN)) return seen_.in_time = false;
      const auto got = ::recv(socket_.get(), piece.data(), std::min(piece.size(), count), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got < 0) return failed();
      if (got == 0) return !(seen_.saw_end = true) || count == SIZE_MAX;
      seen_.received.append(piece.data(), static_cast<std::size_t>(got));
      if (count != SIZE_MAX) count -= static_cast<std::size_t>(got);
    }
    return true;
  }

  bool failed() {
    seen_.saw_reset = errno == ECONNRESET || errno == EPIPE;
    return false;
  }

  descriptor listening_;
  descriptor socket_;
  endpoint to_;
  script script_;
  transcript seen_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

class raw_host final : public peer_host {
 public:
  std::unique_ptr<peer> dial(const endpoint& to, script what) override {
    return std::make_unique<raw_peer>(descriptor(), to, std::move(what));
  }

  std::unique_ptr<peer> answer(const endpoint& near, script what, endpoint& at) override {
    return std::make_unique<raw_peer>(listen_near(near, 16, at), endpoint(), std::move(what));
  }

  endpoint refusing(const endpoint& near) override {
    endpoint at;
    listen_near(near, 1, at);  // closed again: nobody listens there any more
    return at;
  }

  endpoint silent(const endpoint& near) override {
    endpoint at;
    descriptor full = listen_near(near, 0, at);
    // Fill the accept queue: from then on the kernel drops what asks for a connection.
    for (int i = 0; i < 3; ++i) {
      descriptor filler(must(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
      static_cast<void>(::connect(filler.get(), at.address(), at.size()));
      kept_.push_back(std::move(filler));
    }
    kept_.push_back(std::move(full));
    return at;
  }

 private:
  static descriptor listen_near(const endpoint& near, int backlog, endpoint& at) {
    descriptor made(must(::socket(near.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    must(::bind(made.get(), near.address(), near.size()), "bind");
    must(::listen(made.get(), backlog), "listen");
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    must(::getsockname(made.get(), reinterpret_cast<sockaddr*>(&storage), &size), "getsockname");
    at = endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&storage), size);
    return made;
  }

  std::vector<descriptor> kept_;
};

}  // namespace

std::unique_ptr<peer_host> raw_sockets() { return std::make_unique<raw_host>(); }

}  // namespace myra::conformance
