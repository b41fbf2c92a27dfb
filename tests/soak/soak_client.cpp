// Churn for a soak: opens connections to an echo server at a steady rate, and ends each in a way
// that chance decides. Every byte that comes back is compared with the one that was sent.
//
//   soak-client ADDRESS PORT RATE SECONDS SEED
//
// Plain system calls and poll(2), nothing of Myra's but how patient to be. Once a second and at the
// end it prints a line of JSON with what it has done so far, so that who kills it knows what it had
// seen. Exit code 1: a byte was wrong, or a stream ended that should not have, or did not move any
// more.

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

#include "myra/core/patience_test.hpp"

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::size_t piece_size = 16 * 1024;
constexpr std::size_t connection_count_max = 2000;

struct totals {
  std::uint64_t opened = 0, finished = 0, half_closed = 0, reset = 0, left_unread = 0;
  std::uint64_t bytes_verified = 0, bytes_wrong = 0, ended_early = 0, refused = 0;
};

/// Differs between neighbours, between connections, and between offsets 256 and 65,536 apart.
std::uint8_t byte_at(std::uint32_t connection, std::uint64_t offset) {
  return static_cast<std::uint8_t>(offset * 131 + (offset >> 8) * 17 + (offset >> 16) * 29 +
                                   connection * 97 + (connection >> 8) * 41);
}

enum class ending { close, half_close, reset, leave_unread };

struct visit {
  int socket = -1;
  std::uint32_t number = 0;
  ending ends = ending::close;
  std::uint64_t size = 0;      ///< To be sent.
  std::uint64_t stops_at = 0;  ///< Received; then it ends.
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  bool shut = false;
  clock_type::time_point moved_at = clock_type::now();  ///< When bytes last came or went.
};

class churn {
 public:
  churn(const sockaddr_in& server, std::uint32_t seed) : server_(server), chance_(seed) {}

  void run(double rate, std::chrono::seconds time) {
    const auto began = clock_type::now();
    auto reports = began;
    while (true) {
      const std::chrono::duration<double> passed = clock_type::now() - began;
      const bool goes_on = passed < time;
      if (!goes_on && visits_.empty()) break;
      if (passed > time + std::chrono::seconds(30)) {  // a stream that neither moves nor ends
        counted_.ended_early += visits_.size();
        break;
      }
      const auto due = static_cast<std::uint64_t>(passed.count() * rate);
      while (goes_on && counted_.opened + counted_.refused < due &&
             visits_.size() < connection_count_max)
        open();
      turn();
      if (clock_type::now() - reports < std::chrono::seconds(1)) continue;
      reports = clock_type::now();
      print();
    }
    print();
  }

  [[nodiscard]] bool all_right() const {
    return counted_.bytes_wrong == 0 && counted_.ended_early == 0 && counted_.finished > 0;
  }

 private:
  std::uint64_t up_to(std::uint64_t most) {
    return std::uniform_int_distribution<std::uint64_t>(0, most)(chance_);
  }

  void open() {
    visit made;
    made.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int connected =
        ::connect(made.socket, reinterpret_cast<const sockaddr*>(&server_), sizeof server_);
    if (made.socket < 0 || (connected != 0 && errno != EINPROGRESS)) {
      if (made.socket >= 0) ::close(made.socket);
      ++counted_.refused;
      return;
    }
    made.number = static_cast<std::uint32_t>(++counted_.opened);
    made.ends = static_cast<ending>(up_to(3));
    made.size = 1 + up_to((std::uint64_t{1} << up_to(17)));  // mostly small, up to 128 KiB
    made.stops_at = made.ends == ending::close || made.ends == ending::half_close
                        ? made.size
                        : up_to(made.size);
    visits_.push_back(made);
  }

  /// Waits for a moment at most and does what can be done.
  void turn() {
    waits_.clear();
    for (const visit& each : visits_) {
      const bool sends = each.sent < each.size;
      waits_.push_back({each.socket, static_cast<short>(sends ? POLLIN | POLLOUT : POLLIN), 0});
    }
    ::poll(waits_.data(), waits_.size(), 2);
    const auto now = clock_type::now();
    for (std::size_t i = 0; i < visits_.size(); ++i) {
      if (waits_[i].revents != 0 || visits_[i].stops_at == 0) go_on(visits_[i], now);
      if (visits_[i].socket >= 0 && now - visits_[i].moved_at > hangs_after_) early(visits_[i]);
    }
    std::erase_if(visits_, [](const visit& each) { return each.socket < 0; });
  }

  void go_on(visit& on, clock_type::time_point now) {
    const std::uint64_t before = on.sent + on.received;
    move(on);
    if (on.sent + on.received != before) on.moved_at = now;
  }

  void move(visit& on) {
    if (on.sent < on.size && !send_some(on)) return;
    if (on.sent == on.size && on.ends == ending::half_close && !on.shut)
      on.shut = ::shutdown(on.socket, SHUT_WR) == 0;
    receive_some(on);
  }

  bool send_some(visit& on) {
    std::uint8_t piece[piece_size];
    const std::size_t count = std::min<std::uint64_t>(sizeof piece, on.size - on.sent);
    for (std::size_t i = 0; i < count; ++i) piece[i] = byte_at(on.number, on.sent + i);
    const ssize_t sent = ::send(on.socket, piece, count, MSG_NOSIGNAL);
    if (sent >= 0) {
      on.sent += static_cast<std::uint64_t>(sent);
      return true;
    }
    if (errno == EAGAIN || errno == EINTR) return true;
    early(on);
    return false;
  }

  void receive_some(visit& on) {
    std::uint8_t piece[piece_size];
    const ssize_t got = ::recv(on.socket, piece, sizeof piece, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
      if (on.stops_at == 0) finish(on);
      return;
    }
    if (got < 0) return early(on);
    if (got == 0) return at_end(on);
    for (ssize_t i = 0; i < got; ++i, ++on.received)
      counted_.bytes_wrong += piece[i] != byte_at(on.number, on.received) ? 1 : 0;
    counted_.bytes_verified += static_cast<std::uint64_t>(got);
    if (on.received > on.size) ++counted_.bytes_wrong;
    // After a half-close the end of the stream is the last thing that comes.
    if (on.received >= on.stops_at && on.ends != ending::half_close) finish(on);
  }

  void at_end(visit& on) {
    if (on.ends == ending::half_close && on.shut && on.received == on.size) return finish(on);
    early(on);
  }

  void early(visit& on) {
    ++counted_.ended_early;
    ::close(on.socket);
    on.socket = -1;
  }

  void finish(visit& on) {
    const linger at_once{1, 0};
    switch (on.ends) {
      case ending::close: break;
      case ending::half_close: ++counted_.half_closed; break;
      case ending::reset:
        ::setsockopt(on.socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ++counted_.reset;
        break;
      case ending::leave_unread: ++counted_.left_unread; break;
    }
    ++counted_.finished;
    ::close(on.socket);
    on.socket = -1;
  }

  void print() const {
    std::printf(
        "{\"opened\": %llu, \"finished\": %llu, \"half_closed\": %llu, \"reset\": %llu, "
        "\"left_unread\": %llu, \"bytes_verified\": %llu, \"bytes_wrong\": %llu, "
        "\"ended_early\": %llu, \"refused\": %llu}\n",
        as_long(counted_.opened), as_long(counted_.finished), as_long(counted_.half_closed),
        as_long(counted_.reset), as_long(counted_.left_unread), as_long(counted_.bytes_verified),
        as_long(counted_.bytes_wrong), as_long(counted_.ended_early), as_long(counted_.refused));
    std::fflush(stdout);
  }
  static unsigned long long as_long(std::uint64_t value) { return value; }

  sockaddr_in server_;
  std::mt19937 chance_;
  std::vector<visit> visits_;
  std::vector<pollfd> waits_;
  // What has not moved for so long hangs: lost packets and a busy machine take less.
  const std::chrono::milliseconds hangs_after_ = myra::patient(std::chrono::seconds(10));
  totals counted_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 6) {
    std::fprintf(stderr,
                 "soak-client: found %d arguments, expected ADDRESS PORT RATE SECONDS SEED\n",
                 count - 1);
    return 2;
  }
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(static_cast<std::uint16_t>(std::atoi(arguments[2])));
  if (::inet_pton(AF_INET, arguments[1], &server.sin_addr) != 1) {
    std::fprintf(stderr, "soak-client: ADDRESS: found %s, expected one of IPv4\n", arguments[1]);
    return 2;
  }
  churn load(server, static_cast<std::uint32_t>(std::atoi(arguments[5])));
  load.run(std::atof(arguments[3]), std::chrono::seconds(std::atoi(arguments[4])));
  return load.all_right() ? 0 : 1;
}
