// The floor of a round trip: one connection, plain recv and send, nothing between.
//
//   spin-pair                       measures every variant and prints a table
//   spin-pair --listen HOST:PORT    only the server end, for a client of one connection at a time
//
// Variants: both ends spinning on their own cores, both sleeping on their own cores, both sleeping
// on the same core. Two processes; the figures are the client's, CPU is that of both ends.

#include <sched.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <vector>

#include "histogram.hpp"
#include "sockets.hpp"

namespace {

using namespace myra::bench;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t message_size = 64;

struct variant {
  const char* name;
  int server_core;
  int client_core;
  bool spin;
};

constexpr std::array variants{variant{"both spin, two cores", 0, 1, true},
                              variant{"both sleep, two cores", 0, 1, false},
                              variant{"both sleep, same core", 0, 0, false}};

/// recv that spins when the flags say MSG_DONTWAIT; 0 at the end of the stream or on an error.
std::size_t receive(int connected, char* data, std::size_t size, int flags) {
  for (;;) {
    const ssize_t received = ::recv(connected, data, size, flags);
    if (received >= 0) return static_cast<std::size_t>(received);
    if (errno != EAGAIN && errno != EINTR) return 0;
  }
}

bool send_all(int connected, const char* data, std::size_t size, int flags) {
  for (std::size_t sent = 0; sent < size;) {
    const ssize_t taken = ::send(connected, data + sent, size - sent, flags | MSG_NOSIGNAL);
    if (taken < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (taken > 0) sent += static_cast<std::size_t>(taken);
  }
  return true;
}

void echo_until_end(int connected, bool spin) {
  std::array<char, 65536> data;
  const int flags = spin ? MSG_DONTWAIT : 0;
  for (;;) {
    const std::size_t size = receive(connected, data.data(), data.size(), flags);
    if (size == 0 || !send_all(connected, data.data(), size, flags)) break;
  }
  ::close(connected);
}

void serve(int listener, bool spin) {
  for (;;) {
    const int connected = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connected < 0 && errno != ECONNABORTED && errno != EINTR) fail_system("accept4", errno);
    if (connected >= 0) echo_until_end(connected, spin);
  }
}

void pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(core), &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) fail_system("sched_setaffinity", errno);
}

void round_trip(int connected, std::uint64_t number, int flags) {
  std::array<char, message_size> request;
  std::array<char, message_size> reply;
  request.fill(static_cast<char>('a' + number % 26));
  if (!send_all(connected, request.data(), request.size(), flags)) fail_system("send", errno);
  for (std::size_t got = 0; got < reply.size();) {
    const std::size_t size = receive(connected, reply.data() + got, reply.size() - got, flags);
    if (size == 0) fail_system("receive", errno);
    got += size;
  }
  if (reply != request) fail_run("wrong content came back");
}

double cpu_us(const rusage& usage) {
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

void measure(const variant& one, std::chrono::milliseconds duration) {
  const int listener = open_listener(parse_address("127.0.0.1:0"), 0);
  const pid_t child = ::fork();
  if (child < 0) fail_system("fork", errno);
  if (child == 0) {
    pin_to(one.server_core);
    const int connected = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connected < 0) fail_system("accept4", errno);
    echo_until_end(connected, one.spin);
    ::_exit(0);
  }
  pin_to(one.client_core);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const int connected = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  set_option(connected, IPPROTO_TCP, TCP_NODELAY, 1);
  if (::connect(connected, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    fail_system("connect", errno);
  }

  const int flags = one.spin ? MSG_DONTWAIT : 0;
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  histogram latency;
  std::uint64_t trips = 0;
  auto last = clock_type::now();
  for (const auto end = last + duration; last < end; ++trips) {
    round_trip(connected, trips, flags);
    const auto now = clock_type::now();
    latency.add(static_cast<std::uint64_t>((now - last).count()));
    last = now;
  }
  rusage after{};
  rusage server{};
  ::getrusage(RUSAGE_SELF, &after);
  ::close(connected);
  ::close(listener);
  ::wait4(child, nullptr, 0, &server);
  std::printf("%-22s %10.2f %10.2f %16.2f %16.2f\n", one.name, latency.quantile_us(0.5),
              latency.quantile_us(0.99),
              (cpu_us(after) - cpu_us(before)) / static_cast<double>(trips),
              cpu_us(server) / static_cast<double>(trips));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"listen", "wait", "milliseconds"}, {});
  const bool spin = options.is_second("wait", "block", "spin");
  if (options.has("listen")) {
    const int listener = open_listener(parse_address(options.text("listen", "")), 0);
    print_ready(listener, spin ? "plain recv and send, spinning" : "plain recv and send");
    serve(listener, spin);
  }
  const std::chrono::milliseconds duration(options.number("milliseconds", 1000));
  std::printf("%-22s %10s %10s %16s %16s\n", "64 B round trip", "p50 us", "p99 us", "client CPU us",
              "server CPU us");
  for (const variant& one : variants) measure(one, duration);
}
