// The modes of the load generator that use plain recv and send: ping-pong and idle connections.

#include "content.hpp"
#include "load_result.hpp"
#include "sockets.hpp"

#include <vector>

namespace myra::bench {
namespace {

class ping_pong {
 public:
  ping_pong(int connected, std::uint32_t number, std::uint32_t message_size, bool spin)
      : socket_(connected),
        number_(number),
        flags_(spin ? MSG_DONTWAIT : 0),
        checker_(number, message_size),
        request_(message_size),
        reply_(message_size),
        scratch_(message_size + 7) {}

  void round_trip() {
    write_message(request_.data(), request_.size(), number_, checker_.sequence());
    for (std::size_t sent = 0; sent < request_.size();) {
      sent += size_of(
          ::send(socket_, request_.data() + sent, request_.size() - sent, flags_ | MSG_NOSIGNAL));
    }
    for (int completed = 0; completed == 0;) {
      const std::size_t count =
          size_of(::recv(socket_, reply_.data(), reply_.size() - checker_.offset(), flags_));
      completed = checker_.check(reply_.data(), count, scratch_.data());
      if (completed < 0) fail_run("wrong content came back");
    }
  }

 private:
  std::size_t size_of(ssize_t result) const {
    if (result > 0) return static_cast<std::size_t>(result);
    if (result == 0) fail_run("the server closed the connection");
    if (errno == EAGAIN && flags_ != 0) return 0;
    fail_system("ping-pong", errno);
  }

  int socket_;
  std::uint32_t number_;
  int flags_;
  echo_checker checker_;
  std::vector<char> request_;
  std::vector<char> reply_;
  std::vector<char> scratch_;
};

}  // namespace

load_result run_ping_pong(const load_request& request, const server_probe& probe, bool spin) {
  ping_pong pair(connect_to(request.server, 0), 0, request.message_size, spin);
  const clock::time_point warm = clock::now() + request.warm_up;
  while (clock::now() < warm) pair.round_trip();

  load_result result;
  const phase_meter meter(probe);
  clock::time_point last = clock::now();
  const clock::time_point end = last + request.duration;
  const auto goes_on = [&] {
    return request.message_count > 0 ? result.messages < request.message_count : last < end;
  };
  while (goes_on()) {
    pair.round_trip();
    const clock::time_point now = clock::now();
    result.latency.add(static_cast<std::uint64_t>((now - last).count()));
    last = now;
    ++result.messages;
  }
  meter.finish(result);
  return result;
}

void hold_idle_connections(const load_request& request) {
  for (std::uint32_t i = 0; i < request.connections; ++i) {
    ping_pong(connect_to(request.server, i), i, request.message_size, false).round_trip();
  }
  std::printf("holding %u connections\n", request.connections);
  std::fflush(stdout);
  while (std::fgetc(stdin) != EOF) {
  }
}

}  // namespace myra::bench
