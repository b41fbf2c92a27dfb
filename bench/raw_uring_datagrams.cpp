// The datagram baseline on io_uring: an echo of datagrams on one UDP socket, by a multishot recvmsg
// from a ring of buffers and a silent sendmsg for each datagram, out of the buffer that it came in.
//
// A turn is: enter the kernel once, which submits the answers of the last turn and waits; give back
// the buffers of these; queue an answer to each datagram that has come.

#include "buffer_ring.hpp"
#include "raw_ring.hpp"
#include "sockets.hpp"

#include <poll.h>

#include <utility>
#include <vector>

namespace {

using namespace myra::bench;

constexpr std::uint64_t receive_tag = 1;
constexpr std::uint64_t send_tag = 2;
constexpr std::uint64_t stop_tag = 3;

struct answer {
  msghdr header;
  iovec vector;
  std::uint16_t buffer;
};

class datagram_echo {
 public:
  datagram_echo(int socket, std::uint32_t buffer_count, std::uint32_t buffer_bytes)
      : socket_(socket),
        ring_(set_up_ring(4096, false)),
        buffers_(ring_, buffer_count, buffer_bytes),
        now_(buffer_count),
        last_(buffer_count) {
    io_uring_register_ring_fd(&ring_);
    expected_.msg_namelen = sizeof(sockaddr_in);
  }

  void run(int stop) {
    io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
    io_uring_prep_poll_add(sqe, stop, POLLIN);
    io_uring_sqe_set_data64(sqe, stop_tag);
    while (!stopped_) {
      if (!receiving_) receive();
      io_uring_submit_and_wait(&ring_, 1);
      collect();
      // What the entry sent is sent, or told of as failed and lost, as it might be in a network.
      for (std::uint32_t i = 0; i < last_count_; ++i) buffers_.give_back(last_[i].buffer);
      buffers_.publish();
      std::swap(now_, last_);
      last_count_ = std::exchange(now_count_, 0);
    }
  }

 private:
  io_uring_sqe* take_sqe() {
    io_uring_sqe* sqe = nullptr;
    while ((sqe = io_uring_get_sqe(&ring_)) == nullptr) io_uring_submit(&ring_);
    return sqe;
  }

  void receive() {
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_recvmsg_multishot(sqe, socket_, &expected_, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->buf_group = buffer_ring::group;
    io_uring_sqe_set_data64(sqe, receive_tag);
    receiving_ = true;
  }

  void collect() {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      ++count;
      if (cqe->user_data == stop_tag) stopped_ = true;
      if (cqe->user_data == receive_tag) take(*cqe);
    }
    io_uring_cq_advance(&ring_, count);
  }

  void take(const io_uring_cqe& cqe) {
    receiving_ = (cqe.flags & IORING_CQE_F_MORE) != 0;
    if (cqe.res < 0 && cqe.res != -ENOBUFS) fail_system("recvmsg", -cqe.res);
    if ((cqe.flags & IORING_CQE_F_BUFFER) == 0) return;
    const std::uint16_t buffer = buffer_of(cqe.flags);
    io_uring_recvmsg_out* const came =
        io_uring_recvmsg_validate(buffers_.data(buffer), cqe.res, &expected_);
    if (came == nullptr || (came->flags & MSG_TRUNC) != 0) {
      fail_usage("--buffer-bytes: a datagram is larger");
    }
    answer& back = now_[now_count_++];
    back.buffer = buffer;
    back.vector = {io_uring_recvmsg_payload(came, &expected_),
                   io_uring_recvmsg_payload_length(came, cqe.res, &expected_)};
    back.header = {};
    back.header.msg_name = io_uring_recvmsg_name(came);
    back.header.msg_namelen = came->namelen;
    back.header.msg_iov = &back.vector;
    back.header.msg_iovlen = 1;
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_sendmsg(sqe, socket_, &back.header, MSG_DONTWAIT);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data64(sqe, send_tag);
  }

  int socket_;
  io_uring ring_;
  buffer_ring buffers_;
  msghdr expected_{};  // what room each buffer has in front of a datagram
  std::vector<answer> now_;
  std::vector<answer> last_;
  std::uint32_t now_count_ = 0;
  std::uint32_t last_count_ = 0;
  bool receiving_ = false;
  bool stopped_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"listen", "buffers", "buffer-bytes"}, {});
  const int bound = open_bound(parse_address(options.text("listen", "127.0.0.1:0")));
  const int stop = open_stop_descriptor();
  static datagram_echo server(bound, options.number("buffers", 256),
                              options.number("buffer-bytes", 16384));
  print_ready(bound, "uring: raw datagrams");
  server.run(stop);
}
