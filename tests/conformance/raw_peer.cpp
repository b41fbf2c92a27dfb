#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "myra/core/patience_test.hpp"
#include "peer.hpp"

namespace myra::conformance {
namespace {

using steady = std::chrono::steady_clock;

std::chrono::milliseconds step_limit() { return patient(std::chrono::seconds(10)); }

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

/// Has to be known before a socket is connected: the other side cuts what it sends by half of the
/// largest window that it was ever told of, and what does not fit into a smaller one waits for the
/// kernel's timers, which take longer each time (tcp(7), SO_RCVBUF).
void make_window_small_if_asked(const descriptor& socket, const script& what) {
  if (what.empty() || what.front().what != step::act::small_window) return;
  const int little = 32 * 1024;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little);
}

bool ready(int socket, short events) {
  pollfd asked{.fd = socket, .events = events, .revents = 0};
  return ::poll(&asked, 1, static_cast<int>(step_limit().count())) == 1;
}

/// One socket and what it saw.
class raw_end {
 public:
  explicit raw_end(descriptor socket) : socket_(std::move(socket)) {
    seen.connected = socket_.get() >= 0;
  }
  /// It could not be connected, with this errno.
  explicit raw_end(int error) { seen.saw_reset = error == ECONNRESET; }

  void carry_out(const step& next) {
    if (socket_.get() >= 0 && !act_on(next)) close();
  }
  void close() { socket_.close(); }

  transcript seen;

 private:
  /// False: the connection is over.
  bool act_on(const step& next) {
    using act = step::act;
    switch (next.what) {
      case act::send: return send_all(next.bytes);
      case act::send_in_pieces: return send_pieces(next);
      case act::receive: return receive(next.count, 64 * 1024, {});
      case act::receive_to_end: return receive(SIZE_MAX, 64 * 1024, {});
      case act::receive_slowly: return receive(SIZE_MAX, next.count, next.pause);
      case act::half_close: ::shutdown(socket_.get(), SHUT_WR); return true;
      case act::reset: return reset();
      case act::close: return false;
      case act::wait: std::this_thread::sleep_for(next.pause); return true;
      case act::stay: seen.in_time = ready(socket_.get(), POLLRDHUP); return false;
      case act::small_window: return true;  // since before it was connected
    }
    return false;
  }

  bool reset() {
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &none, sizeof none);
    return false;
  }

  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!ready(socket_.get(), POLLOUT)) return seen.in_time = false;
      const auto sent =
          ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) continue;
      if (sent < 0) return failed();
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  bool send_pieces(const step& next) {
    const int now = 1;  // each as it is, where there is TCP to hold it back
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &now, sizeof now);
    std::string_view left = next.bytes;
    while (!left.empty()) {
      if (!send_all(left.substr(0, next.count))) return false;
      left.remove_prefix(std::min(left.size(), next.count));
      if (next.pause.count() != 0) std::this_thread::sleep_for(next.pause);
    }
    return true;
  }

  bool receive(std::size_t count, std::size_t piece_size, std::chrono::milliseconds pause) {
    std::string piece(piece_size, '\0');
    const auto deadline = steady::now() + step_limit();
    while (count > 0) {
      if (steady::now() > deadline || !ready(socket_.get(), POLLIN)) return seen.in_time = false;
      const auto got =
          ::recv(socket_.get(), piece.data(), std::min(piece.size(), count), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) continue;
      if (got < 0) return failed();
      if (got == 0) return !(seen.saw_end = true) || count == SIZE_MAX;
      seen.received.append(piece.data(), static_cast<std::size_t>(got));
      if (count != SIZE_MAX) count -= static_cast<std::size_t>(got);
      if (pause.count() != 0) std::this_thread::sleep_for(pause);
    }
    return true;
  }

  bool failed() {
    seen.saw_reset = errno == ECONNRESET || errno == EPIPE;
    return false;
  }

  descriptor socket_;
};

class raw_peer final : public peer {
 public:
  /// `listening` accepts one connection; without one `count` are made to `to`.
  raw_peer(descriptor listening, const endpoint& to, std::size_t count, script what)
      : listening_(std::move(listening)),
        to_(to),
        count_(count),
        script_(std::move(what)),
        thread_([this] { run(); }) {}
  ~raw_peer() override {
    if (thread_.joinable()) thread_.join();
  }

  [[nodiscard]] bool done() const noexcept override {
    return done_.load(std::memory_order_acquire);
  }

  transcript finish() override {
    if (thread_.joinable()) thread_.join();
    return told_;
  }

 private:
  void run() {
    for (std::size_t i = 0; i < count_; ++i)
      ends_.emplace_back(listening_.get() >= 0 ? accepted() : connected());
    for (const step& next : script_)
      for (raw_end& each : ends_) each.carry_out(next);
    for (raw_end& each : ends_) each.close();
    tell();
    done_.store(true, std::memory_order_release);
  }

  raw_end accepted() {
    descriptor made;
    if (ready(listening_.get(), POLLIN))
      made = descriptor(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    listening_.close();
    return raw_end(std::move(made));
  }

  raw_end connected() {
    descriptor made(::socket(to_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    make_window_small_if_asked(made, script_);
    // When the other side accepts and resets it before this call returns, it is the call that
    // tells.
    if (::connect(made.get(), to_.address(), to_.size()) < 0) return raw_end(errno);
    return raw_end(std::move(made));
  }

  void tell() { told_ = all_seen(ends_); }

  descriptor listening_;
  endpoint to_;
  std::size_t count_;
  script script_;
  std::vector<raw_end> ends_;
  transcript told_;
  std::atomic<bool> done_{false};
  std::thread thread_;
};

class raw_hand final : public hand {
 public:
  explicit raw_hand(descriptor socket) : socket_(std::move(socket)) {
    ::fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
  }

  bool send(std::string_view bytes) override {
    return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  void half_close() override { ::shutdown(socket_.get(), SHUT_WR); }
  bool receive(std::string& into) override {
    for (;;) {
      char piece[16384];
      const auto got = ::recv(socket_.get(), piece, sizeof piece, 0);
      if (got <= 0) return got == 0 || errno != EAGAIN;
      into.append(piece, static_cast<std::size_t>(got));
    }
  }

 private:
  descriptor socket_;
};

class raw_host final : public peer_host {
 public:
  ~raw_host() override {
    for (const std::string& path : paths_) ::unlink(path.c_str());
  }

  std::unique_ptr<peer> dial(const endpoint& to, script what) override {
    return std::make_unique<raw_peer>(descriptor(), to, 1, std::move(what));
  }

  std::unique_ptr<peer> dial_many(const endpoint& to, std::size_t count, script what) override {
    return std::make_unique<raw_peer>(descriptor(), to, count, std::move(what));
  }

  std::unique_ptr<peer> answer(const endpoint& near, script what, endpoint& at) override {
    descriptor listening = listen_near(near, 16, at);
    make_window_small_if_asked(listening, what);
    return std::make_unique<raw_peer>(std::move(listening), endpoint(), 1, std::move(what));
  }

  std::unique_ptr<hand> take(const endpoint& to, int receive_buffer_bytes) override {
    descriptor made(must(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    if (receive_buffer_bytes != 0)
      ::setsockopt(made.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    must(::connect(made.get(), to.address(), to.size()), "connect");
    return std::make_unique<raw_hand>(std::move(made));
  }

  std::unique_ptr<hand> pair(io::network& network, int& ours) override {
    int ends[2];
    must(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
    ours = ends[0];
    auto made = std::make_unique<raw_hand>(descriptor(ends[1]));
    if (const int status = network.adopt(ours); status < 0)
      throw std::system_error(-status, std::system_category(), "adopt");
    return made;
  }

  bool send_datagram(const endpoint& to, std::string_view bytes) override {
    const descriptor made(must(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0), "socket"));
    return ::sendto(made.get(), bytes.data(), bytes.size(), 0, to.address(), to.size()) ==
           static_cast<ssize_t>(bytes.size());
  }

  void pass(duration time) override { std::this_thread::sleep_for(time); }

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
      descriptor filler(
          must(::socket(at.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
      static_cast<void>(::connect(filler.get(), at.address(), at.size()));
      kept_.push_back(std::move(filler));
    }
    ready(full.get(), POLLIN);  // before anybody else asks
    kept_.push_back(std::move(full));
    return at;
  }

 private:
  descriptor listen_near(const endpoint& near, int backlog, endpoint& at) {
    descriptor made(must(::socket(near.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    must(::bind(made.get(), near.address(), near.size()), "bind");
    must(::listen(made.get(), backlog), "listen");
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    must(::getsockname(made.get(), reinterpret_cast<sockaddr*>(&storage), &size), "getsockname");
    at = endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&storage), size);
    if (!at.unix_path().empty()) paths_.push_back(at.unix_path());
    return made;
  }

  std::vector<descriptor> kept_;
  std::vector<std::string> paths_;
};

}  // namespace

std::unique_ptr<peer_host> raw_sockets() { return std::make_unique<raw_host>(); }

}  // namespace myra::conformance
