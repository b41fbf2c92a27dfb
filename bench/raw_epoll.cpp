// The epoll baseline: an echo loop written directly on epoll, as fast as we know how.
//
// Edge-triggered, one registration per connection for its whole life, one recv and one send per
// message. A read that came up short has emptied the socket, so it is not followed by a second
// read that would only say EAGAIN: new data raises a new edge. While the peer does not take its
// echo, the connection is not read. `--wait spin` polls instead of sleeping.

#include "sockets.hpp"

#include <sys/epoll.h>

#include <array>
#include <vector>

namespace {

using namespace myra::bench;

struct connection {
  std::vector<char> unsent;  // the part of an echo that the socket did not take
  std::size_t sent = 0;
};

class epoll_echo {
 public:
  explicit epoll_echo(int listener) : listener_(listener), stop_(open_stop_descriptor()) {
    if (epoll_ < 0) fail_system("epoll_create1", errno);
    watch(listener_, EPOLLIN);
    watch(stop_, EPOLLIN);
  }

  void run(bool spin) {
    std::array<epoll_event, 512> events;
    while (!stopped_) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), spin ? 0 : -1);
      if (count < 0 && errno != EINTR) fail_system("epoll_wait", errno);
      for (int i = 0; i < count; ++i) dispatch(events[static_cast<std::size_t>(i)]);
    }
  }

 private:
  void watch(int descriptor, std::uint32_t interest) {
    epoll_event event{};
    event.events = interest;
    event.data.fd = descriptor;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
      fail_system("epoll_ctl", errno);
    }
  }

  void dispatch(const epoll_event& event) {
    const int descriptor = event.data.fd;
    if (descriptor == listener_) return accept_all();
    if (descriptor == stop_) {
      stopped_ = true;
      return;
    }
    connection& one = connections_[static_cast<std::size_t>(descriptor)];
    if (one.unsent.empty()) {
      // A peer that is gone may share this edge with its last bytes: read to the end then.
      echo(descriptor, one, (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
    } else if ((event.events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) {
      if (flush(descriptor, one)) echo(descriptor, one, true);
    }
  }

  void accept_all() {
    for (;;) {
      const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted < 0 && errno == EAGAIN) return;
      if (accepted < 0 && errno == ECONNABORTED) continue;
      if (accepted < 0) fail_system("accept4", errno);
      const auto index = static_cast<std::size_t>(accepted);
      if (index >= connections_.size()) connections_.resize(index + 1);
      watch(accepted, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
    }
  }

  void echo(int descriptor, connection& one, bool to_the_end) {
    for (;;) {
      const ssize_t received = ::recv(descriptor, scratch_.data(), scratch_.size(), 0);
      if (received < 0 && errno == EAGAIN) return;
      if (received <= 0) return close_connection(descriptor, one);
      const auto size = static_cast<std::size_t>(received);
      const ssize_t sent = ::send(descriptor, scratch_.data(), size, MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return close_connection(descriptor, one);
      const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
      if (taken < size) {
        one.unsent.assign(scratch_.data() + taken, scratch_.data() + size);
        if (!flush(descriptor, one)) return;
      }
      if (size < scratch_.size() && !to_the_end) return;
    }
  }

  /// Sends what is left; true when all went and the connection may be read again.
  bool flush(int descriptor, connection& one) {
    while (one.sent < one.unsent.size()) {
      const ssize_t sent = ::send(descriptor, one.unsent.data() + one.sent,
                                  one.unsent.size() - one.sent, MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) return false;
      if (sent < 0) {
        close_connection(descriptor, one);
        return false;
      }
      one.sent += static_cast<std::size_t>(sent);
    }
    one = connection{};
    return true;
  }

  static void close_connection(int descriptor, connection& one) {
    one = connection{};
    ::close(descriptor);
  }

  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  int listener_;
  int stop_;
  bool stopped_ = false;
  std::vector<connection> connections_;  // by descriptor
  std::array<char, 65536> scratch_;
};

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"listen", "wait"}, {});
  const bool spin = options.is_second("wait", "block", "spin");
  raise_descriptor_limit();
  const int listener =
      open_listener(parse_address(options.text("listen", "127.0.0.1:0")), SOCK_NONBLOCK);
  static epoll_echo server(listener);
  print_ready(listener, "epoll: raw loop");
  server.run(spin);
}
