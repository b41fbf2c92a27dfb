// The load of many short connections: connect, one message, its echo, reset.
//
// Plain system calls, several connections abreast: on loopback a connect and a send are done when
// they return, and with a reset nothing of a connection is left behind, no port and no timer.

#include "content.hpp"
#include "load_result.hpp"
#include "sockets.hpp"

#include <vector>

namespace myra::bench {
namespace {

class short_connections {
 public:
  explicit short_connections(const load_request& request)
      : request_(request), message_(request.message_size), scratch_(request.message_size + 7) {}

  void run(std::chrono::milliseconds duration, load_result& result) {
    const clock::time_point end = clock::now() + duration;
    const auto goes_on = [&] {
      return request_.message_count > 0 ? result.messages < request_.message_count
                                        : clock::now() < end;
    };
    while (goes_on()) round(result);
  }

 private:
  struct visit {
    int connected;
    clock::time_point begun;
  };

  void round(load_result& result) {
    for (std::uint32_t i = 0; i < request_.connections; ++i) {
      const clock::time_point begun = clock::now();
      // One source address for all: with resets their ports are free again at once.
      visits_.push_back({connect_to(request_.server, 0), begun});
      send_message(visits_.back().connected, i);
    }
    for (std::uint32_t i = 0; i < request_.connections; ++i) {
      take_reply(visits_[i].connected, i);
      result.latency.add(static_cast<std::uint64_t>((clock::now() - visits_[i].begun).count()));
      reset(visits_[i].connected);
    }
    result.messages += request_.connections;
    visits_.clear();
    ++round_;
  }

  void send_message(int connected, std::uint32_t number) {
    write_message(message_.data(), message_.size(), number, round_);
    const ssize_t sent = ::send(connected, message_.data(), message_.size(), MSG_NOSIGNAL);
    if (sent < 0) fail_system("send", errno);
    if (static_cast<std::size_t>(sent) != message_.size()) {
      fail_usage("--size: a new connection does not take so much at once");
    }
  }

  void take_reply(int connected, std::uint32_t number) {
    const ssize_t got = ::recv(connected, message_.data(), message_.size(), MSG_WAITALL);
    if (got < 0) fail_system("recv", errno);
    echo_checker checker(number, message_.size());
    checker.expect(round_);
    if (static_cast<std::size_t>(got) != message_.size() ||
        checker.check(message_.data(), message_.size(), scratch_.data()) != 1) {
      std::fprintf(stderr, "connection %u of round %llu: wrong content came back\n", number,
                   static_cast<unsigned long long>(round_));
      std::exit(1);
    }
  }

  static void reset(int connected) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    if (::setsockopt(connected, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0) {
      fail_system("setsockopt", errno);
    }
    ::close(connected);
  }

  const load_request& request_;
  std::vector<char> message_;
  std::vector<char> scratch_;
  std::vector<visit> visits_;
  std::uint64_t round_ = 0;
};

}  // namespace

load_result run_churn(const load_request& request, const server_probe& probe) {
  short_connections visitor(request);
  load_result warm_up;
  visitor.run(request.warm_up, warm_up);
  load_result result;
  const phase_meter meter(probe);
  visitor.run(request.duration, result);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
