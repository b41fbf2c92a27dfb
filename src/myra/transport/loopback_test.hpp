// Raw sockets on the loopback, as the other side in tests, and the count of this process's
// descriptors.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "myra/core/patience_test.hpp"
#include "myra/io/kernel_version_test.hpp"
#include "myra/reactor/reactor.hpp"
#include "myra/transport/endpoint.hpp"

namespace myra::loopback {

using namespace std::chrono_literals;

inline std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

inline void require(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(what);
}

/// A blocking socket of the kernel's.
class raw_socket {
 public:
  raw_socket() = default;
  explicit raw_socket(int descriptor) : descriptor_(descriptor) {
    require(descriptor >= 0, "no socket");
  }
  raw_socket(raw_socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  raw_socket& operator=(raw_socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~raw_socket() { close(); }

  [[nodiscard]] int descriptor() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  /// Closes with a reset.
  void reset() {
    const linger none{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close();
  }
  void half_close() const { ::shutdown(descriptor_, SHUT_WR); }
  void send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t count = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      require(count > 0, "raw send");
      text.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  /// What comes next, at most `most` bytes; empty at the end of the stream.
  [[nodiscard]] std::string receive(std::size_t most = 65536) const {
    std::string bytes(most, '\0');
    const ssize_t count = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    require(count >= 0, "raw receive");
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
  }
  /// All that comes until the end of the stream.
  [[nodiscard]] std::string receive_all() const {
    std::string all;
    for (std::string next = receive(); !next.empty(); next = receive()) all += next;
    return all;
  }

 private:
  int descriptor_ = -1;
};

/// A listening socket, or, with `listening` false, an address that is taken and refuses.
class raw_listener {
 public:
  explicit raw_listener(const char* address, int backlog = 16, bool listening = true)
      : raw_listener(endpoint::parse(address).value(), backlog, listening) {}
  raw_listener(const endpoint& address, int backlog, bool listening)
      : socket_(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    require(::bind(socket_.descriptor(), address.address(), address.size()) == 0, "bind");
    if (listening) require(::listen(socket_.descriptor(), backlog) == 0, "listen");
    sockaddr_storage storage{};
    auto* name = reinterpret_cast<sockaddr*>(&storage);
    socklen_t size = sizeof storage;
    require(::getsockname(socket_.descriptor(), name, &size) == 0, "getsockname");
    address_ = endpoint::from_kernel(name, size);
  }

  [[nodiscard]] const endpoint& address() const { return address_; }
  [[nodiscard]] raw_socket accept() const {
    return raw_socket(::accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  /// Whether somebody waits to be accepted.
  [[nodiscard]] bool somebody_waits() const {
    pollfd waiting{socket_.descriptor(), POLLIN, 0};
    return ::poll(&waiting, 1, 0) == 1;
  }

 private:
  raw_socket socket_;
  endpoint address_;
};

/// A TCP listener whose queue is full, so that a connect to it goes unanswered.
class silent_listener {
 public:
  silent_listener() : listener_("127.0.0.1:0", 0) {
    // A backlog of zero still queues one; the kernel may take one more half-open.
    for (int i = 0; i < 4; ++i) {
      fillers_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      const endpoint& to = listener_.address();
      static_cast<void>(::connect(fillers_.back().descriptor(), to.address(), to.size()));
    }
  }
  [[nodiscard]] const endpoint& address() const { return listener_.address(); }

 private:
  raw_listener listener_;
  std::vector<raw_socket> fillers_;
};

/// Tests that run on each backend and leave no descriptor behind.
class on_backends : public testing::TestWithParam<io::backend_kind> {
 protected:
  void SetUp() override {
    descriptors_ = open_descriptors();
    if (GetParam() == io::backend_kind::uring && !io::why_no_uring().empty())
      GTEST_SKIP() << io::why_no_uring();
  }
  void TearDown() override { EXPECT_EQ(open_descriptors(), descriptors_) << "descriptors leaked"; }

  static reactor open() {
    reactor_options options;
    options.backend = GetParam();
    auto opened = reactor::open(options);
    if (!opened) throw std::runtime_error(describe(opened.error()));
    return std::move(*opened);
  }

  /// Turns until `done`, for two seconds at most.
  template <class Done>
  static void turn_until(reactor& on, Done done) {
    const auto end = clock::now() + patient(2s);
    while (!done() && clock::now() < end) ASSERT_TRUE(on.run_once(5ms));
    ASSERT_TRUE(done()) << "not done in time";
  }

 private:
  std::ptrdiff_t descriptors_ = 0;
};

inline const auto both_backends = testing::Values(io::backend_kind::uring, io::backend_kind::epoll);
inline std::string name_of_backend(const testing::TestParamInfo<io::backend_kind>& chosen) {
  return io::name_of(chosen.param);
}

}  // namespace myra::loopback
