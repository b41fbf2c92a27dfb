// From which size on a send without a copy costs the sender less than one with: the kernel's part
// alone, sent to nobody.
//
//   zero-copy-size
//
// Datagrams leave a network of the program's own by an interface that drops them (tc, clsact), so
// that nobody copies them on the way, as loopback would. CPU of the sending thread for a datagram,
// the notification included; the median of interleaved rounds. Needs root and tc.

#include <liburing.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "sockets.hpp"

namespace {

using namespace myra::bench;

enum way : std::uint8_t { copied, pinned, registered };
constexpr std::array names{"send", "send_zc", "send_zc, registered"};
constexpr std::array sizes{512U,   1024U,  2048U,  3072U,  4096U,  6144U, 8192U,
                           12288U, 16384U, 24576U, 32768U, 49152U, 65000U};
constexpr int round_count = 9;
constexpr int send_count = 4000;
constexpr int in_flight_max = 32;  ///< One turn's worth.

std::array<std::byte, std::size_t{32} * 65536> memory;

double thread_cpu_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
}

int open_socket() {
  const int made = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in to = parse_address("127.0.0.1:9");
  set_option(made, SOL_SOCKET, SO_SNDBUFFORCE, 16 << 20);
  if (::connect(made, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    fail_system("connect", errno);
  return made;
}

void prepare(io_uring_sqe* entry, way how, int socket, std::byte* data, unsigned size) {
  if (how == copied)
    io_uring_prep_send(entry, socket, data, size, 0);
  else if (how == pinned)
    io_uring_prep_send_zc(entry, socket, data, size, 0, IORING_SEND_ZC_REPORT_USAGE);
  else
    io_uring_prep_send_zc_fixed(entry, socket, data, size, 0, IORING_SEND_ZC_REPORT_USAGE, 0);
}

/// Nanoseconds for a datagram. Ends the program when one was copied that should not have been.
double measure(io_uring& ring, way how, int socket, unsigned size) {
  const double before = thread_cpu_ns();
  for (int sent = 0; sent < send_count; sent += in_flight_max) {
    for (int i = 0; i < in_flight_max; ++i)
      prepare(io_uring_get_sqe(&ring), how, socket,
              memory.data() + std::size_t{65536} * static_cast<std::size_t>(i), size);
    int left = in_flight_max * (how == copied ? 1 : 2);
    while (left > 0) {
      io_uring_submit_and_wait(&ring, 1);
      unsigned head = 0;
      unsigned seen = 0;
      io_uring_cqe* cqe = nullptr;
      io_uring_for_each_cqe(&ring, head, cqe) {
        const bool told = (cqe->flags & IORING_CQE_F_NOTIF) != 0;
        if (told ? cqe->res != 0 : cqe->res != static_cast<int>(size))
          fail_run(std::string(names[how]) + ": a result of " + std::to_string(cqe->res));
        ++seen;
      }
      io_uring_cq_advance(&ring, seen);
      left -= static_cast<int>(seen);
    }
  }
  return (thread_cpu_ns() - before) / send_count;
}

double median(std::vector<double>& values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main() {
  if (::unshare(CLONE_NEWNET) != 0) fail_system("a network of its own", errno);
  if (std::system("ip link set lo up && tc qdisc add dev lo clsact && "
                  "tc filter add dev lo egress bpf da bytecode '1,6 0 0 2' || exit 1") != 0)
    fail_run("tc does not make lo drop what it is given");
  io_uring ring{};
  io_uring_params how{};
  how.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  if (const int status = io_uring_queue_init_params(128, &ring, &how); status < 0)
    fail_system("io_uring", -status);
  const iovec all{memory.data(), memory.size()};
  if (const int status = io_uring_register_buffers(&ring, &all, 1); status < 0)
    fail_system("registering buffers", -status);
  const int socket = open_socket();
  std::printf("%8s  %10s  %10s  %20s   ns of CPU a datagram\n", "bytes", names[0], names[1],
              names[2]);
  for (const unsigned size : sizes) {
    std::array<std::vector<double>, names.size()> found;
    for (int round = 0; round < round_count; ++round)
      for (const way each : {copied, pinned, registered})
        found[each].push_back(measure(ring, each, socket, size));
    std::printf("%8u  %10.0f  %10.0f  %20.0f\n", size, median(found[copied]), median(found[pinned]),
                median(found[registered]));
  }
  io_uring_queue_exit(&ring);
}
