// What the cases for every backend stand on. A backend's test instantiates the suite:
//
//   INSTANTIATE_TEST_SUITE_P(epoll, backend_test, testing::Values(backend_maker{...}),
//   name_of_maker);
#pragma once

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "myra/core/patience_test.hpp"
#include "myra/io/backend.hpp"
#include "myra/memory/buffer_pool.hpp"

namespace myra::io {

using namespace std::chrono_literals;

/// How to open a backend, and what to call it.
struct backend_maker {
  std::string name;
  std::function<opened<std::unique_ptr<backend>>(buffer_pool& pool)> open;
  /// A thread of the kernel takes submissions: no send is silent, since nobody says when it went.
  bool submission_polling = false;
  /// Receives keep to their turn_bytes_max; otherwise to 32 buffers.
  bool counts_turn_bytes = true;
  /// Why this kernel's multishot receives cannot be held to telling a reset behind bytes.
  std::function<std::string()> sleeps_over_resets = [] { return std::string(); };
};

inline void PrintTo(const backend_maker& maker, std::ostream* out) { *out << maker.name; }

inline std::string name_of_maker(const testing::TestParamInfo<backend_maker>& info) {
  return info.param.name;
}

/// A completion, written down.
struct outcome {
  int result = 0;
  bool more = false;
  bool more_to_read = false;
  descriptor brought;  ///< By an accept.
  bool notification = false;
  bool copied = false;
};

/// An operation that writes down how it ends, and whatever bytes it brings.
template <class Operation>
struct recorded : Operation {
  recorded() : Operation(&recorded::note) {}
  explicit recorded(io::descriptor socket) : recorded() { this->descriptor = socket; }

  std::vector<outcome> outcomes;
  std::string bytes;
  bool keep_buffers = false;
  std::vector<buffer> kept;
  std::function<void()> then;  ///< Called after each completion.

  [[nodiscard]] bool ended() const { return this->idle() && !outcomes.empty(); }
  [[nodiscard]] int last() const { return outcomes.empty() ? INT_MIN : outcomes.back().result; }

 private:
  static void note(operation& completed, completion& what) noexcept {
    auto& self = static_cast<recorded&>(completed);
    self.outcomes.push_back(
        {what.result, what.more, what.more_to_read, {}, what.notification, what.copied});
    if constexpr (std::is_same_v<Operation, accept_operation>)
      if (what.result >= 0) self.outcomes.back().brought = self.accepted(what);
    if (what.bytes) {
      self.bytes += as_text(what.bytes.bytes());
      if (self.keep_buffers) self.kept.push_back(std::move(what.bytes));
    }
    if (self.then) self.then();
  }
};

struct recorded_accept : recorded<accept_operation> {
  using recorded<accept_operation>::recorded;

  /// The connections that came.
  [[nodiscard]] std::vector<io::descriptor> sockets() const {
    std::vector<io::descriptor> found;
    for (const outcome& each : outcomes)
      if (each.result >= 0) found.push_back(each.brought);
    return found;
  }
  [[nodiscard]] io::descriptor last_socket() const { return outcomes.back().brought; }
};

/// A raw socket of the test's own.
class peer {
 public:
  explicit peer(int socket = -1) : socket_(socket) {}
  peer(peer&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
  peer& operator=(peer&& other) noexcept {
    std::swap(socket_, other.socket_);
    return *this;
  }
  ~peer() { close(); }

  [[nodiscard]] int get() const { return socket_; }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  /// Ends the connection with a reset.
  void reset() {
    const linger now{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close();
  }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0) << errno;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// What is there now, up to `limit` bytes.
  [[nodiscard]] std::string read(std::size_t limit = 1 << 20) const {
    std::string got;
    got.resize_and_overwrite(limit, [this](char* into, std::size_t room) {
      const ssize_t size = ::recv(socket_, into, room, MSG_DONTWAIT);
      return size > 0 ? static_cast<std::size_t>(size) : 0;
    });
    return got;
  }
  [[nodiscard]] bool at_end() const {
    char byte;
    pollfd readable{socket_, POLLIN, 0};
    return ::poll(&readable, 1, 1000) == 1 && ::recv(socket_, &byte, 1, MSG_DONTWAIT) == 0;
  }

 private:
  int socket_;
};

/// A string that differs everywhere, so that lost or swapped bytes show.
inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  std::uint32_t state = 1;
  for (char& byte : text) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<char>(state >> 24);
  }
  return text;
}

inline const std::byte* data_of(const std::string& text) { return as_bytes(text).data(); }

inline std::size_t open_descriptor_count() {
  std::size_t count = 0;
  DIR* folder = ::opendir("/proc/self/fd");
  while (::readdir(folder) != nullptr) ++count;
  ::closedir(folder);
  return count;
}

class backend_test : public testing::TestWithParam<backend_maker> {
 protected:
  static constexpr std::uint32_t slot_size = 4096;
  static constexpr std::uint32_t slot_count = 64;

  void SetUp() override {
    descriptors_before_ = open_descriptor_count();
    pool_options options;
    options.slot_size_bytes = slot_size;
    options.slot_count_initial = slot_count;
    options.slot_count_max = slot_count;
    auto made = buffer_pool::open(options);
    ASSERT_TRUE(made);
    pool = std::move(*made);
    auto backend_made = GetParam().open(*pool);
    if (!backend_made) GTEST_SKIP() << describe(backend_made.error());
    engine = std::move(*backend_made);
  }

  void TearDown() override {
    if (!engine) return;
    for (descriptor socket : ours_) engine->sockets().close(socket);
    EXPECT_TRUE(until([&] { return engine->counters().direct_open == 0; })) << "slots leaked";
    peers.clear();
    EXPECT_EQ(pool->application_count(), 0U);
    engine.reset();
    EXPECT_EQ(open_descriptor_count(), descriptors_before_);
  }

  /// One turn, of `patience` at most.
  void turn(duration patience = 100ms) {
    const time_point now = engine->now();
    const time_point deadline = patience == 0ms ? time_point{} : now + patience;
    ASSERT_TRUE(engine->wait(deadline, now));
    engine->deliver();
  }
  /// Turns until `done` says so, for 5 s at most.
  template <class Condition>
  [[nodiscard]] bool until(Condition done) {
    for (const time_point limit = clock::now() + patient(5s); clock::now() < limit;) {
      if (done()) return true;
      turn(1ms);
    }
    return done();
  }
  /// Waits outside of the backend until `socket` has so many bytes to read.
  static void await_bytes(int socket, std::size_t count) {
    int there = 0;
    for (const time_point limit = clock::now() + patient(5s); clock::now() < limit;) {
      ASSERT_EQ(::ioctl(socket, FIONREAD, &there), 0);
      if (static_cast<std::size_t>(there) >= count) return;
    }
    FAIL() << "only " << there << " bytes came";
  }
  /// The same until the peer's end or reset has arrived.
  static void await_hang_up(int socket) {
    pollfd hung_up{socket, POLLRDHUP, 0};
    ASSERT_EQ(::poll(&hung_up, 1, static_cast<int>(patient(5s).count())), 1);
  }
  /// A few turns in which nothing should happen.
  void idle_turns() {
    for (int i = 0; i < 3; ++i) turn(5ms);
  }

  template <class Operation>
  void submit(recorded<Operation>& begun) {
    engine->submit(begun);
  }
  /// Submits and waits for the last completion; returns its result.
  template <class Operation>
  int run(recorded<Operation>& begun) {
    engine->submit(begun);
    EXPECT_TRUE(until([&] { return begun.idle(); }));
    return begun.last();
  }
  template <class Operation>
  void stop(recorded<Operation>& unwanted) {
    engine->cancel(unwanted);
    EXPECT_TRUE(until([&] { return unwanted.idle(); }));
  }

  /// Has the socket closed at the end of the test.
  template <class Socket>
  Socket ours(Socket socket) {
    EXPECT_TRUE(descriptor(socket).valid());
    ours_.push_back(socket);
    return socket;
  }
  /// A descriptor of this process in the place of the backend's own.
  int real(descriptor socket) {
    const int made = engine->sockets().duplicate(socket);
    EXPECT_GE(made, 0);
    engine->sockets().close(socket);
    return made;
  }
  void close_now(descriptor socket) {
    std::erase(ours_, socket);
    engine->sockets().close(socket);
  }
  void disown(descriptor socket) { std::erase(ours_, socket); }

  /// A connected pair: the number of our end, and the peer's end.
  std::pair<int, peer> unix_pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    EXPECT_GE(engine->sockets().adopt(ends[0]), 0);
    return {ours(ends[0]), peer(ends[1])};
  }
  std::pair<int, peer> tcp_pair(int receive_buffer_size = 0) {
    peer listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receive_buffer_size != 0)
      ::setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_size,
                   sizeof receive_buffer_size);
    sockaddr_in address = loopback();
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener.get(), as_address(address), size), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    ::getsockname(listener.get(), as_address(address), &size);
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::connect(socket, as_address(address), size), 0);
    EXPECT_GE(engine->sockets().adopt(socket), 0);
    return {ours(socket), peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC))};
  }
  /// A listener of ours on a free port of 127.0.0.1, whose address is left in `bound`.
  int tcp_listener(sockaddr_in& bound, int backlog = 128) {
    network& sockets = engine->sockets();
    const int socket = ours(sockets.open(AF_INET, SOCK_STREAM, 0));
    bound = loopback();
    socklen_t size = sizeof bound;
    EXPECT_EQ(sockets.bind(socket, as_address(bound), size), 0);
    EXPECT_EQ(sockets.listen(socket, backlog), 0);
    EXPECT_EQ(sockets.local_address(socket, as_address(bound), &size), 0);
    return socket;
  }
  static peer connect_to(const sockaddr_in& address) {
    peer made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(made.get(), as_address(address), sizeof address), 0) << errno;
    return made;
  }
  static void set_send_buffer(int socket, int size) {
    EXPECT_EQ(::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
  }
  static sockaddr_in loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  template <class Address>
  static sockaddr* as_address(Address& address) {
    return reinterpret_cast<sockaddr*>(&address);
  }
  template <class Address>
  static const sockaddr* as_address(const Address& address) {
    return reinterpret_cast<const sockaddr*>(&address);
  }

  buffer_pool::owner pool;
  std::unique_ptr<backend> engine;
  std::vector<peer> peers;

 private:
  std::vector<descriptor> ours_;
  std::size_t descriptors_before_ = 0;
};

}  // namespace myra::io
