// What it costs to send several buffers as one: a vector (sendmsg, or IORING_SEND_VECTORIZED), a
// bundle from a buffer ring (IORING_RECVSEND_BUNDLE), a copy into one buffer, or one send each.
//
//   send-gather
//
// CPU of the sending thread for a group of buffers, on one TCP connection over loopback to a thread
// that throws away; the median and the spread of interleaved rounds.

#include <liburing.h>
#include <sched.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <thread>
#include <vector>

#include "sockets.hpp"

namespace {

using namespace myra::bench;

enum way : std::uint8_t { message, vectorized, bundle, copy, each_alone };
constexpr std::array names{"sendmsg", "vectorized", "bundle", "copy and send", "a send each"};
constexpr std::array ways{message, vectorized, bundle, copy, each_alone};
constexpr int round_count = 9;
constexpr unsigned count_max = 32;
constexpr unsigned ring_size = 128;
constexpr int group_id = 7;
constexpr int flags = MSG_NOSIGNAL | MSG_WAITALL;

std::array<std::array<std::byte, 16384 + 64>, count_max> pieces;
std::array<std::byte, std::size_t{count_max} * 16384> together;

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

class sender {
 public:
  explicit sender(int socket) : socket_(socket) {
    io_uring_params how{};
    how.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    int status = io_uring_queue_init_params(64, &ring_, &how);
    if (status < 0) fail_system("io_uring", -status);
    io_uring_register_ring_fd(&ring_);
    buffers_ = io_uring_setup_buf_ring(&ring_, ring_size, group_id, 0, &status);
    if (buffers_ == nullptr) fail_system("a buffer ring", -status);
  }

  /// One group, to its end.
  void send(way how, unsigned count, unsigned size) {
    unsigned left = count * size;
    unsigned answers = prepare(how, count, size);
    while (left != 0) {
      io_uring_submit_and_wait(&ring_, answers);
      unsigned head = 0;
      answers = 0;
      io_uring_cqe* cqe = nullptr;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        if (cqe->res <= 0) fail_system(names[how], -cqe->res);
        left -= static_cast<unsigned>(cqe->res);
        ++answers;
      }
      io_uring_cq_advance(&ring_, answers);
      // A bundle may end early; the rest of its buffers are still in the ring.
      answers = how == bundle && left != 0 ? prepare_bundle() : 1;
    }
  }

 private:
  unsigned prepare(way how, unsigned count, unsigned size) {
    for (unsigned i = 0; i < count; ++i) parts_[i] = {pieces[i].data(), size};
    switch (how) {
      case message:
        header_.msg_iov = parts_.data();
        header_.msg_iovlen = count;
        io_uring_prep_sendmsg(io_uring_get_sqe(&ring_), socket_, &header_, flags);
        return 1;
      case vectorized: {
        io_uring_sqe* entry = io_uring_get_sqe(&ring_);
        io_uring_prep_send(entry, socket_, parts_.data(), count, flags);
        entry->ioprio |= IORING_SEND_VECTORIZED;
        return 1;
      }
      case bundle:
        for (unsigned i = 0; i < count; ++i)
          io_uring_buf_ring_add(buffers_, pieces[i].data(), size, static_cast<unsigned short>(i),
                                io_uring_buf_ring_mask(ring_size), static_cast<int>(i));
        io_uring_buf_ring_advance(buffers_, static_cast<int>(count));
        return prepare_bundle();
      case copy:
        for (unsigned i = 0; i < count; ++i)
          std::memcpy(together.data() + std::size_t{i} * size, pieces[i].data(), size);
        io_uring_prep_send(io_uring_get_sqe(&ring_), socket_, together.data(), count * size, flags);
        return 1;
      case each_alone: break;
    }
    for (unsigned i = 0; i < count; ++i)
      io_uring_prep_send(io_uring_get_sqe(&ring_), socket_, pieces[i].data(), size, flags);
    return count;
  }
  unsigned prepare_bundle() {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    io_uring_prep_send_bundle(entry, socket_, 0, flags);
    entry->flags |= IOSQE_BUFFER_SELECT;
    entry->buf_group = group_id;
    return 1;
  }

  int socket_;
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  msghdr header_{};
  std::array<iovec, count_max> parts_{};
};

void compare(sender& by, unsigned count, unsigned size) {
  const unsigned groups = std::clamp((128U << 20) / (count * size), 500U, 20'000U);
  std::array<std::vector<double>, names.size()> found;
  for (int round = 0; round < round_count; ++round)
    for (const way how : ways) {
      const double before = thread_cpu_ns();
      for (unsigned i = 0; i < groups; ++i) by.send(how, count, size);
      found[how].push_back((thread_cpu_ns() - before) / groups);
    }
  std::printf("%2u x %5u bytes:", count, size);
  for (const way how : ways) {
    std::ranges::sort(found[how]);
    std::printf("  %s %.0f (%.0f-%.0f)", names[how], found[how][round_count / 2],
                found[how].front(), found[how].back());
  }
  std::printf(" ns\n");
}

}  // namespace

int main() {
  const int listener = open_listener(parse_address("127.0.0.1:0"), 0);
  sockaddr_in bound{};
  socklen_t length = sizeof bound;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &length);
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&bound), sizeof bound) != 0)
    fail_system("connect", errno);
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  std::thread receiver([from = ::accept(listener, nullptr, nullptr)] {
    stay_on(1);
    std::vector<std::byte> nothing(1 << 20);
    while (::recv(from, nothing.data(), nothing.size(), MSG_TRUNC) > 0) {
    }
  });
  stay_on(0);
  sender by(socket);
  for (const unsigned count : {2U, 8U, 32U})
    for (const unsigned size : {64U, 1024U, 16384U}) compare(by, count, size);
  ::shutdown(socket, SHUT_WR);
  receiver.join();
}
