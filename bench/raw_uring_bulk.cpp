// The sender of a bulk stream by io_uring: as many writes in one sendmsg as stay in the cache, one
// such send under way.
//
//   raw-uring-bulk --connect 127.0.0.1:7000 --mode bulk --size 65536

#include "bulk_content.hpp"
#include "load_result.hpp"
#include "raw_ring.hpp"
#include "sockets.hpp"

#include <algorithm>
#include <vector>

namespace {

using namespace myra::bench;

constexpr std::uint32_t send_bytes_max = 512U << 10U;

class uring_sender {
 public:
  explicit uring_sender(const load_request& request)
      : request_(request),
        ring_(set_up_ring(64, false)),
        vectors_(std::max(1U, send_bytes_max / request.message_size)),
        memory_(vectors_.size() * request.message_size) {
    io_uring_register_ring_fd(&ring_);
    for (std::size_t i = 0; i < vectors_.size(); ++i) {
      fill_write(write(i), request.message_size);
    }
  }
  ~uring_sender() { io_uring_queue_exit(&ring_); }
  uring_sender(const uring_sender&) = delete;
  uring_sender& operator=(const uring_sender&) = delete;

  void stream(std::chrono::milliseconds duration, std::uint32_t check_stride, load_result& result) {
    const int connected = connect_to(request_.server, 0);
    const bulk_header header{.write_size = request_.message_size, .check_stride = check_stride};
    if (::send(connected, &header, sizeof header, MSG_NOSIGNAL) != sizeof header) {
      fail_system("send", errno);
    }
    std::uint64_t writes = 0;
    for (const auto end = clock::now() + duration; clock::now() < end;) {
      for (std::size_t i = 0; i < vectors_.size(); ++i) {
        number_write(write(i), writes++);
        vectors_[i] = {write(i), request_.message_size};
      }
      send_all(connected);
    }
    ::shutdown(connected, SHUT_WR);
    bulk_verdict verdict{};
    if (::recv(connected, &verdict, sizeof verdict, MSG_WAITALL) != sizeof verdict) {
      fail_run("the server did not say what it received");
    }
    ::close(connected);
    demand(verdict, writes * request_.message_size);
    result.messages += writes;
  }

 private:
  char* write(std::size_t index) { return memory_.data() + index * request_.message_size; }

  /// The kernel goes on by itself until all is sent (MSG_WAITALL).
  void send_all(int connected) {
    msghdr message{};
    message.msg_iov = vectors_.data();
    message.msg_iovlen = vectors_.size();
    io_uring_sqe* const sqe = io_uring_get_sqe(&ring_);
    io_uring_prep_sendmsg(sqe, connected, &message, MSG_WAITALL | MSG_NOSIGNAL);
    io_uring_submit_and_wait(&ring_, 1);
    io_uring_cqe* cqe = nullptr;
    const int error = io_uring_wait_cqe(&ring_, &cqe);
    if (error != 0) fail_system("io_uring_wait_cqe", -error);
    if (cqe->res < 0) fail_system("sendmsg", -cqe->res);
    if (static_cast<std::size_t>(cqe->res) != memory_.size()) fail_run("a send was short");
    io_uring_cqe_seen(&ring_, cqe);
  }

  const load_request& request_;
  io_uring ring_;
  std::vector<iovec> vectors_;
  std::vector<char> memory_;
};

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, load_option_names, {"count-entries"});
  const load_request request = request_of(options);
  if (options.text("mode", "closed") != "bulk") fail_usage("--mode bulk is all there is");
  allow_only(options, {}, "--mode bulk");
  if (request.message_size == 0 || request.message_size % 8 != 0) {
    fail_usage("--size: a bulk write is a multiple of 8 bytes");
  }
  uring_sender sender(request);
  load_result warm_up;
  sender.stream(request.warm_up, bulk_check_all, warm_up);
  const server_probe probe = probe_of(options);
  load_result result;
  const phase_meter meter(probe);
  for (int i = 0; i < bulk_stream_count; ++i)
    sender.stream(request.duration / bulk_stream_count, bulk_check_sample, result);
  meter.finish(result);
  print_report(result);
}
