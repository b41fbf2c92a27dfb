// What zero-copy sends cost and gain on loopback, where the kernel copies all the same: CPU per
// byte of a bulk stream.
//
//   bulk-zero-copy [--megabytes N] [--rounds N]
//
// A reactor on processor 0 sends, a thread on processor 1 receives and throws away. Interleaved
// rounds; the median and the spread of the sender's CPU, and the median of both ends', for a KiB.

#include <sched.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <thread>
#include <vector>

#include "myra/transport.hpp"
#include "sockets.hpp"

namespace {

using namespace myra;

struct subject {
  const char* name;
  zero_copy_mode mode;
  bool registered;
};
constexpr std::array subjects{subject{"never", zero_copy_mode::never, false},
                              subject{"automatic", zero_copy_mode::automatic, false},
                              subject{"always", zero_copy_mode::always, false},
                              subject{"always, registered", zero_copy_mode::always, true}};

constexpr std::uint32_t slot_size = 64 * 1024;

struct measured {
  double sender_ns = 0;  ///< For a KiB.
  double both_ns = 0;
  zero_copy_counters counted;
};

void stay_on(int cpu) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ::sched_setaffinity(0, sizeof one, &one);
}

double thread_cpu_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

/// Returns the CPU that it took.
double receive_all(int listener) {
  stay_on(1);
  const int from = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  std::vector<std::byte> data(std::size_t{256} * 1024);
  const double before = thread_cpu_ns();
  while (::recv(from, data.data(), data.size(), 0) > 0) {
  }
  const double after = thread_cpu_ns();
  ::close(from);
  return after - before;
}

/// Writes of `size` bytes, as long as the queue has room.
struct source : connection_handler {
  source(std::uint64_t bytes, std::uint32_t write) : left(bytes), size(write) {}
  void pump(connection& peer) {
    while (left != 0 && peer.can_send()) {
      for (std::uint32_t done = 0; done < size; done += slot_size) {
        buffer next = peer.acquire();
        next.resize(std::min(slot_size, size));
        peer.send(std::move(next));
      }
      left -= std::min<std::uint64_t>(left, size);
    }
    if (left == 0) peer.close();
  }
  void on_receive(connection&, message&) override {}
  void on_writable(connection& peer) override { pump(peer); }
  void on_close(connection&, std::error_code) override { closed = true; }
  std::uint64_t left;
  std::uint32_t size;
  bool closed = false;
};

measured measure(const subject& how, std::uint32_t write, std::uint64_t bytes) {
  reactor_options options;
  options.backend = io::backend_kind::uring;
  options.pool.slot_size_bytes = slot_size;
  options.pool.slot_count_initial = 256;
  options.pool.slot_count_max = 256;
  options.receive_buffer_count = 16;
  options.zero_copy.mode = how.mode;
  options.zero_copy.registered_buffers = how.registered;
  auto on = reactor::open(options);
  if (!on) bench::fail_usage(describe(on.error()));
  const int listener = bench::open_listener(bench::parse_address("127.0.0.1:0"), 0);
  sockaddr_in bound{};
  socklen_t length = sizeof bound;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &length);
  const auto to = endpoint::from_kernel(reinterpret_cast<sockaddr*>(&bound), length);
  double receiver_ns = 0;
  std::thread receiver([&] { receiver_ns = receive_all(listener); });
  source from(bytes, write);
  connection peer;
  const auto attempt = connect(*on, std::span(&to, 1), {}, [&](result<connection> made) noexcept {
    if (!made) bench::fail_usage(made.error().message());
    peer = std::move(*made);
    peer.set_handler(from);
  });
  const auto turn = [&] {
    if (const auto turned = on->run_once(std::chrono::milliseconds(10)); !turned)
      bench::fail_system("io_uring_enter", turned.error().value());
  };
  while (!peer) turn();
  const double before = thread_cpu_ns();
  from.pump(peer);
  while (!from.closed) turn();
  const double sender_ns = thread_cpu_ns() - before;
  receiver.join();
  ::close(listener);
  const double kib = static_cast<double>(bytes) / 1024;
  return {sender_ns / kib, (sender_ns + receiver_ns) / kib, on->counters().zero_copy};
}

double median(std::vector<double>& values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void compare(std::uint32_t write, std::uint64_t bytes, int rounds) {
  std::printf("writes of %u KiB; ns of CPU for a KiB\n", write / 1024);
  std::array<std::vector<double>, subjects.size()> sender;
  std::array<std::vector<double>, subjects.size()> both;
  std::array<zero_copy_counters, subjects.size()> counted{};
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const measured found = measure(subjects[i], write, bytes);
      sender[i].push_back(found.sender_ns);
      both[i].push_back(found.both_ns);
      counted[i] = found.counted;
    }
  const double base = median(sender[0]);
  const double base_both = median(both[0]);
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const double middle = median(sender[i]);
    const double middle_both = median(both[i]);
    std::printf(
        "  %-19s sender %6.1f (%.1f-%.1f), ratio %.2f; both ends %6.1f, ratio %.2f; "
        "asked %llu, granted %llu, copied %llu\n",
        subjects[i].name, middle, sender[i].front(), sender[i].back(), middle / base, middle_both,
        middle_both / base_both, static_cast<unsigned long long>(counted[i].asked),
        static_cast<unsigned long long>(counted[i].granted),
        static_cast<unsigned long long>(counted[i].copied));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bench::command_line given(argc, argv, {"megabytes", "rounds"}, {});
  const std::uint64_t bytes = std::uint64_t{given.number("megabytes", 256)} << 20;
  const auto rounds = static_cast<int>(given.number("rounds", 7));
  stay_on(0);
  for (const std::uint32_t write : {64U * 1024, 1024U * 1024}) compare(write, bytes, rounds);
}
