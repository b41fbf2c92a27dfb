// What the ways to send cost: send(2), and io_uring's send, write from a registered buffer, zero
// copy, and zero copy from a registered buffer.
//
//   send-paths                  a table: CPU of one message there, as a ratio to send(2)
//   send-paths --rounds 7 --milliseconds 100
//
// One thread, one TCP connection over loopback: a message goes out by one of the ways and is
// received and checked by recv(2), so that what differs is the way out. The ways take turns, round
// after round. Zero copy counts with its notification, since the buffer is not free before.

#include "content.hpp"
#include "sockets.hpp"

#include <liburing.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <vector>

namespace {

using namespace myra::bench;

enum class way : std::uint8_t { system_call, send, write_fixed, zero_copy, zero_copy_fixed };
constexpr std::array ways{way::system_call, way::send, way::write_fixed, way::zero_copy,
                          way::zero_copy_fixed};
constexpr std::array names{"send(2)", "io_uring send", "io_uring write, registered buffer",
                           "io_uring send_zc", "io_uring send_zc, registered buffer"};
constexpr std::array<std::size_t, 5> sizes{64, 1024, 4096, 16384, 65536};

std::uint64_t thread_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_nsec);
}

class path_meter {
 public:
  path_meter() : memory_(sizes.back()), received_(sizes.back()) {
    open_pair();
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    int error = io_uring_queue_init_params(8, &ring_, &parameters);
    if (error != 0) fail_system("io_uring_queue_init_params", -error);
    io_uring_register_ring_fd(&ring_);
    const iovec whole{memory_.data(), memory_.size()};
    error = io_uring_register_buffers(&ring_, &whole, 1);
    if (error != 0) fail_system("io_uring_register_buffers", -error);
  }

  ~path_meter() { io_uring_queue_exit(&ring_); }
  path_meter(const path_meter&) = delete;
  path_meter& operator=(const path_meter&) = delete;

  /// CPU nanoseconds of a message by one way.
  double measure(way by, std::size_t size, std::chrono::milliseconds duration) {
    const std::uint64_t begin = thread_cpu_ns();
    const std::uint64_t end = begin + static_cast<std::uint64_t>(duration.count()) * 1'000'000U;
    std::uint64_t count = 0;
    std::uint64_t now = begin;
    for (; now < end; now = thread_cpu_ns()) {
      for (int i = 0; i < 16; ++i, ++count) {
        number_ += 1;
        write_message(memory_.data(), 64, 0, number_);
        send(by, size);
        receive(size);
      }
    }
    return static_cast<double>(now - begin) / static_cast<double>(count);
  }

  /// Of all zero-copy sends, how many the kernel copied after all.
  std::uint64_t copied() const { return copied_; }
  std::uint64_t notified() const { return notified_; }

 private:
  void open_pair() {
    const int listener = open_listener(parse_address("127.0.0.1:0"), 0);
    sockaddr_in address{};
    socklen_t length = sizeof address;
    ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length);
    out_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    set_option(out_, IPPROTO_TCP, TCP_NODELAY, 1);
    if (::connect(out_, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
      fail_system("connect", errno);
    }
    in_ = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (in_ < 0) fail_system("accept4", errno);
    ::close(listener);
  }

  void send(way by, std::size_t size) {
    if (by == way::system_call) return demand(::send(out_, memory_.data(), size, 0), size);
    io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
    switch (by) {
      case way::send: io_uring_prep_send(sqe, out_, memory_.data(), size, 0); break;
      case way::write_fixed:
        io_uring_prep_write_fixed(sqe, out_, memory_.data(), static_cast<unsigned>(size), 0, 0);
        break;
      case way::zero_copy_fixed:
        io_uring_prep_send_zc_fixed(sqe, out_, memory_.data(), size, 0, IORING_SEND_ZC_REPORT_USAGE,
                                    0);
        break;
      default:
        io_uring_prep_send_zc(sqe, out_, memory_.data(), size, 0, IORING_SEND_ZC_REPORT_USAGE);
    }
    is_notified_ = by == way::send || by == way::write_fixed;
    io_uring_submit_and_wait(&ring_, 1);
    take_completion(size);
  }

  /// A zero-copy send ends with its notification, which may come when the peer has received.
  void take_completion(std::size_t size) {
    io_uring_cqe* cqe = nullptr;
    while (io_uring_peek_cqe(&ring_, &cqe) == 0) {
      if ((cqe->flags & IORING_CQE_F_NOTIF) != 0) {
        is_notified_ = true;
        ++notified_;
        if ((static_cast<unsigned>(cqe->res) & IORING_NOTIF_USAGE_ZC_COPIED) != 0) ++copied_;
      } else {
        demand(cqe->res, size);
        if ((cqe->flags & IORING_CQE_F_MORE) == 0) is_notified_ = true;
      }
      io_uring_cqe_seen(&ring_, cqe);
    }
  }

  void receive(std::size_t size) {
    demand(::recv(in_, received_.data(), size, MSG_WAITALL), size);
    if (!is_message(received_.data(), 64, 0, number_)) fail_run("wrong content came back");
    while (!is_notified_) {
      io_uring_submit_and_wait(&ring_, 1);
      take_completion(size);
    }
  }

  static void demand(ssize_t found, std::size_t size) {
    if (found < 0) fail_system("send or recv", errno);
    if (static_cast<std::size_t>(found) != size) fail_run("a message went only in part");
  }

  io_uring ring_{};
  int out_ = -1;
  int in_ = -1;
  bool is_notified_ = true;
  std::vector<char> memory_;
  std::vector<char> received_;
  std::uint64_t number_ = 0;
  std::uint64_t copied_ = 0;
  std::uint64_t notified_ = 0;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void print_size(path_meter& meter, std::size_t size, std::uint32_t rounds,
                std::chrono::milliseconds duration) {
  std::array<std::vector<double>, ways.size()> cost;
  std::array<std::vector<double>, ways.size()> ratio;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const std::size_t at = round % 2 == 0 ? i : ways.size() - 1 - i;
      cost[at].push_back(meter.measure(ways[at], size, duration));
    }
    for (std::size_t i = 0; i < ways.size(); ++i) {
      ratio[i].push_back(cost[i].back() / cost[0].back());
    }
  }
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const auto [least, most] = std::ranges::minmax(ratio[i]);
    std::printf("%8zu  %-36s %10.0f %8.3f   %.3f - %.3f\n", size, names[i], median(cost[i]),
                median(ratio[i]), least, most);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"rounds", "milliseconds"}, {});
  const std::uint32_t rounds = options.number("rounds", 7);
  const std::chrono::milliseconds duration(options.number("milliseconds", 100));
  if (rounds == 0 || duration.count() == 0) {
    fail_usage("--rounds and --milliseconds must be at least 1");
  }
  path_meter meter;
  std::printf("%8s  %-36s %10s %8s   %s\n", "bytes", "way", "CPU ns", "ratio", "spread");
  for (const std::size_t size : sizes) print_size(meter, size, rounds, duration);
  std::printf("zero-copy sends: %llu, copied by the kernel after all: %llu\n",
              static_cast<unsigned long long>(meter.notified()),
              static_cast<unsigned long long>(meter.copied()));
}
