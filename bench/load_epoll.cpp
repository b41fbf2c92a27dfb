// The closed loop on epoll: plain recv and send, edge-triggered, as raw_epoll.cpp serves.

#include "echo_flow.hpp"
#include "sockets.hpp"

#include <fcntl.h>
#include <sys/epoll.h>

#include <array>
#include <deque>

namespace myra::bench {
namespace {

class epoll_clients {
 public:
  explicit epoll_clients(const load_request& request) {
    if (epoll_ < 0) fail_system("epoll_create1", errno);
    for (std::uint32_t i = 0; i < request.connections; ++i) {
      const int connected = connect_to(request.server, i);
      ::fcntl(connected, F_SETFL, O_NONBLOCK);
      clients_.push_back({connected, echo_flow(i, request, phase_), {}});
      epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = {.u32 = i}};
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connected, &event) != 0) {
        fail_system("epoll_ctl", errno);
      }
    }
  }

  void run(std::chrono::milliseconds duration, load_result& result) {
    phase_.begin(duration, result);
    for (client& one : clients_) {
      one.unsent = one.flow.begin();
      send(one);
    }
    std::array<epoll_event, 512> events;
    while (!phase_.is_over()) {
      const int count = ::epoll_wait(epoll_, events.data(), events.size(), -1);
      if (count < 0 && errno != EINTR) fail_system("epoll_wait", errno);
      for (int i = 0; i < count; ++i) {
        client& one = clients_[events[static_cast<std::size_t>(i)].data.u32];
        if (!one.unsent.empty()) send(one);
        if (one.unsent.empty()) receive(one);
      }
    }
  }

 private:
  struct client {
    int connected;
    echo_flow flow;
    std::span<const char> unsent;  // while it is not empty nothing is received
  };

  static void send(client& one) {
    while (!one.unsent.empty()) {
      const ssize_t sent =
          ::send(one.connected, one.unsent.data(), one.unsent.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) return;
      if (sent < 0) fail_system("send", errno);
      one.unsent = one.unsent.subspan(static_cast<std::size_t>(sent));
    }
  }

  /// A read that came up short has emptied the socket.
  void receive(client& one) {
    for (;;) {
      const ssize_t received = ::recv(one.connected, scratch_.data(), scratch_.size(), 0);
      if (received < 0 && errno == EAGAIN) return;
      if (received < 0) fail_system("recv", errno);
      if (received == 0) fail_run("the server closed a connection");
      const auto size = static_cast<std::size_t>(received);
      one.unsent = one.flow.take(scratch_.data(), size);
      send(one);
      if (!one.unsent.empty() || size < scratch_.size()) return;
    }
  }

  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  echo_phase phase_;
  std::deque<client> clients_;
  std::array<char, 65536> scratch_;
};

}  // namespace

load_result run_closed_loop_on_epoll(const load_request& request, const server_probe& probe) {
  epoll_clients clients(request);
  load_result warm_up;
  clients.run(request.warm_up, warm_up);
  load_result result;
  const phase_meter meter(probe);
  clients.run(request.duration, result);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
