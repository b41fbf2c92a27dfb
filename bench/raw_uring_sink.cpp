// The receiver of a bulk stream by io_uring: one multishot receive from a ring of buffers. One
// stream at a time.

#include "buffer_ring.hpp"
#include "bulk_content.hpp"
#include "raw_ring.hpp"
#include "sockets.hpp"

#include <algorithm>

namespace {

using namespace myra::bench;

class uring_sink {
 public:
  uring_sink(std::uint32_t buffer_count, std::uint32_t buffer_bytes)
      : ring_(set_up_ring(256, false)), buffers_(ring_, buffer_count, buffer_bytes) {
    io_uring_register_ring_fd(&ring_);
  }

  void receive_stream(int connected) {
    bulk_checker checker;
    while (receive_all(connected, checker)) {
    }
    ::close(connected);
  }

 private:
  /// Whether the receive ended for no other reason than that it has to be armed again.
  bool receive_all(int connected, bulk_checker& checker) {
    io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
    io_uring_prep_recv_multishot(sqe, connected, nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = buffer_ring::group;
    for (bool armed = true; armed;) {
      io_uring_submit_and_wait(&ring_, 1);
      unsigned head = 0;
      unsigned count = 0;
      io_uring_cqe* cqe = nullptr;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        ++count;
        armed = (cqe->flags & IORING_CQE_F_MORE) != 0;
        result_ = cqe->res;
        if (!take(*cqe, checker)) fail_run("the stream did not begin with a header");
      }
      io_uring_cq_advance(&ring_, count);
      buffers_.publish();
    }
    if (result_ == 0) {
      ::send(connected, &checker.verdict(), sizeof(bulk_verdict), MSG_NOSIGNAL);
    }
    return result_ > 0 || result_ == -ENOBUFS;
  }

  bool take(const io_uring_cqe& cqe, bulk_checker& checker) {
    if ((cqe.flags & IORING_CQE_F_BUFFER) == 0) return true;
    const std::uint16_t buffer = buffer_of(cqe.flags);
    const auto size = static_cast<std::size_t>(std::max(cqe.res, 0));
    const bool makes_sense = checker.take(buffers_.data(buffer), size);
    buffers_.give_back(buffer);
    return makes_sense;
  }

  io_uring ring_;
  buffer_ring buffers_;
  int result_ = 0;  // of the last receive
};

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"listen", "buffers", "buffer-bytes"}, {});
  const int listener = open_listener(parse_address(options.text("listen", "127.0.0.1:0")), 0);
  uring_sink sink(options.number("buffers", 8), options.number("buffer-bytes", 65536));
  print_ready(listener, "uring: raw sink");
  for (;;) {
    const int connected = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connected < 0) fail_system("accept4", errno);
    sink.receive_stream(connected);
  }
}
