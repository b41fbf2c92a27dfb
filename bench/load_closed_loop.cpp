// The closed loop of the load generator, on io_uring with silent sends: it must cost less CPU per
// message than any server it drives, or it would be the load generator that is measured.
//
// What makes it cheaper than a server is that it may wait. A server answers as soon as it can; the
// generator sleeps until a batch of replies is there, and so pays for one wake-up per batch. It
// sleeps without a time limit, because arming a short timer costs more than all that is saved.

#include "buffer_ring.hpp"
#include "content.hpp"
#include "load_result.hpp"
#include "sockets.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace myra::bench {
namespace {

enum class act : std::uint8_t { receive, silent_send, send };

struct client {
  client(std::uint32_t number, const load_request& request)
      : checker(number, request.message_size),
        outgoing(static_cast<std::size_t>(request.message_size) * request.depth),
        sent_at(std::bit_ceil(request.depth)) {}

  std::uint64_t& sent_at_of(std::uint64_t sequence) {
    return sent_at[sequence & (sent_at.size() - 1)];
  }

  echo_checker checker;
  std::vector<char> outgoing;  // the messages of the send under way
  std::size_t outgoing_size = 0;
  std::size_t sent = 0;                // of `outgoing_size`, while an ordinary send carries on
  bool blocked = false;                // an ordinary send is in flight
  std::uint32_t due = 0;               // messages to send when the turn ends
  std::uint64_t written = 0;           // messages handed to the kernel
  std::vector<std::uint64_t> sent_at;  // nanoseconds, by sequence; a power of two of them
};

class closed_loop {
 public:
  explicit closed_loop(const load_request& request)
      : request_(request),
        ring_(set_up(request)),
        buffers_(ring_, 1024, 4096),
        batch_(request.batch > 0 ? request.batch : std::max(1U, request.connections * 3 / 5)),
        scratch_(request.message_size + 7) {
    std::vector<int> sockets;
    for (std::uint32_t i = 0; i < request.connections; ++i) {
      clients_.emplace_back(i, request);
      sockets.push_back(connect_to(request.server, i));
    }
    const int error = io_uring_register_files(&ring_, sockets.data(), request.connections);
    if (error != 0) fail_system("io_uring_register_files", -error);
    io_uring_register_ring_fd(&ring_);
    for (std::uint32_t i = 0; i < request.connections; ++i) receive(i);
  }

  ~closed_loop() { io_uring_queue_exit(&ring_); }
  closed_loop(const closed_loop&) = delete;
  closed_loop& operator=(const closed_loop&) = delete;

  /// Sends until the duration is over or `count` messages (when not 0) went out, and then takes
  /// all replies that are missing.
  void run(std::chrono::milliseconds duration, std::uint64_t count, load_result& result) {
    const std::uint64_t end = now() + static_cast<std::uint64_t>(duration.count()) * 1'000'000U;
    left_ = count > 0 ? count : UINT64_MAX;
    result_ = &result;
    time_ = now();
    for (std::uint32_t i = 0; i < clients_.size(); ++i) owe(i, request_.depth);
    send_due();
    while (under_way_ > 0) {
      wait();
      time_ = now();
      if (count == 0 && time_ >= end) left_ = 0;
      collect();
      send_due();
    }
  }

 private:
  static io_uring set_up(const load_request& request) {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                       IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
    // Never full: a silent send is taken for done when no completion says otherwise.
    parameters.cq_entries = std::bit_ceil(4096U + 8 * request.connections);
    io_uring ring{};
    const int error = io_uring_queue_init_params(4096, &ring, &parameters);
    if (error != 0) fail_system("io_uring_queue_init_params", -error);
    return ring;
  }

  static std::uint64_t now() {
    return static_cast<std::uint64_t>(clock::now().time_since_epoch().count());
  }

  /// Submits and sleeps until a batch of completions is there. No more than there are clients
  /// with a message under way: each of those is certain to complete something.
  void wait() {
    const auto wanted = static_cast<unsigned>(std::min<std::uint64_t>(batch_, busy_));
    io_uring_submit_and_wait(&ring_, std::max(1U, wanted));
  }

  void collect() {
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring_, head, cqe) {
      const auto number = static_cast<std::uint32_t>(cqe->user_data);
      switch (static_cast<act>(cqe->user_data >> 32U)) {
        case act::receive: on_received(number, cqe->res, cqe->flags); break;
        case act::silent_send: on_silent_failure(number, cqe->res); break;
        case act::send: on_sent(number, cqe->res); break;
      }
      ++count;
    }
    io_uring_cq_advance(&ring_, count);
    buffers_.publish();
  }

  void on_received(std::uint32_t number, int result, std::uint32_t flags) {
    if (result == 0) fail_usage("the server closed a connection");
    if (result < 0 && result != -ENOBUFS) fail_system("receive", -result);
    if (result > 0) {
      take_replies(number, buffers_.data(buffer_of(flags)), static_cast<std::size_t>(result));
      buffers_.give_back(buffer_of(flags));
    }
    if ((flags & IORING_CQE_F_MORE) == 0) receive(number);
  }

  void take_replies(std::uint32_t number, const char* data, std::size_t size) {
    client& one = clients_[number];
    const std::uint64_t first = one.checker.sequence();
    const int completed = one.checker.check(data, size, scratch_.data());
    if (completed < 0 || first == one.written || one.checker.sequence() > one.written) {
      std::fprintf(stderr, "connection %u: wrong content near message %llu\n", number,
                   static_cast<unsigned long long>(one.checker.sequence()));
      std::exit(1);
    }
    note_latency(one, first);
    const auto replies = static_cast<std::uint32_t>(completed);
    result_->messages += replies;
    under_way_ -= replies;
    if (one.written == one.checker.sequence()) --busy_;
    owe(number, replies);
  }

  /// Messages that went out together, which most do, are one entry of the histogram.
  void note_latency(client& one, std::uint64_t next) {
    const std::uint64_t end = one.checker.sequence();
    while (next < end) {
      const std::uint64_t sent_at = one.sent_at_of(next);
      const std::uint64_t first = next;
      while (next < end && one.sent_at_of(next) == sent_at) ++next;
      result_->latency.add(time_ - sent_at, next - first);
    }
  }

  void owe(std::uint32_t number, std::uint32_t messages) {
    const auto granted = static_cast<std::uint32_t>(std::min<std::uint64_t>(messages, left_));
    if (granted == 0) return;
    left_ -= granted;
    under_way_ += granted;
    if (clients_[number].due == 0) due_.push_back(number);
    clients_[number].due += granted;
  }

  void send_due() {
    for (const std::uint32_t number : due_) {
      if (!clients_[number].blocked && clients_[number].due > 0) send_messages(number);
    }
    due_.clear();
  }

  /// One silent send of all messages that are due. The last one is over: it was submitted by an
  /// earlier entry than the one that brought us here, or `blocked` would be set.
  void send_messages(std::uint32_t number) {
    client& one = clients_[number];
    if (one.written == one.checker.sequence()) ++busy_;
    one.outgoing_size = 0;
    for (; one.due > 0; --one.due, ++one.written) {
      write_message(one.outgoing.data() + one.outgoing_size, request_.message_size, number,
                    one.written);
      one.sent_at_of(one.written) = time_;
      one.outgoing_size += request_.message_size;
    }
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_send(sqe, static_cast<int>(number), one.outgoing.data(), one.outgoing_size,
                       MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
    finish(sqe, act::silent_send, number, IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS);
  }

  void on_silent_failure(std::uint32_t number, int result) {
    if (result < 0 && result != -EAGAIN) fail_system("send", -result);
    client& one = clients_[number];
    one.sent = result < 0 ? 0 : static_cast<std::size_t>(result);
    one.blocked = true;
    send_rest(number);
  }

  void on_sent(std::uint32_t number, int result) {
    if (result < 0) fail_system("send", -result);
    client& one = clients_[number];
    one.sent += static_cast<std::size_t>(result);
    if (one.sent < one.outgoing_size) return send_rest(number);
    one.blocked = false;
    if (one.due > 0) due_.push_back(number);
  }

  void send_rest(std::uint32_t number) {
    const client& one = clients_[number];
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_send(sqe, static_cast<int>(number), one.outgoing.data() + one.sent,
                       one.outgoing_size - one.sent, MSG_WAITALL | MSG_NOSIGNAL);
    finish(sqe, act::send, number, IOSQE_FIXED_FILE);
  }

  void receive(std::uint32_t number) {
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_recv_multishot(sqe, static_cast<int>(number), nullptr, 0, 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->buf_group = buffer_ring::group;
    finish(sqe, act::receive, number, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
  }

  io_uring_sqe* take_sqe() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (sqe == nullptr) {
      io_uring_submit(&ring_);
      sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  static void finish(io_uring_sqe* sqe, act what, std::uint32_t number, unsigned flags) {
    io_uring_sqe_set_data64(sqe, (static_cast<std::uint64_t>(what) << 32U) | number);
    io_uring_sqe_set_flags(sqe, flags);
  }

  const load_request& request_;
  io_uring ring_;
  buffer_ring buffers_;
  std::uint32_t batch_;
  std::vector<char> scratch_;  // for the checker
  std::vector<client> clients_;
  std::vector<std::uint32_t> due_;  // clients that owe messages
  std::uint64_t left_ = 0;          // messages that may still be sent
  std::uint64_t under_way_ = 0;     // messages sent or due, without reply
  std::uint64_t busy_ = 0;          // clients with a message under way
  std::uint64_t time_ = 0;          // of this turn
  load_result* result_ = nullptr;
};

}  // namespace

load_result run_closed_loop(const load_request& request, const server_probe& probe) {
  closed_loop loop(request);
  load_result warm_up;
  loop.run(request.warm_up, 0, warm_up);
  load_result result;
  const phase_meter meter(probe);
  loop.run(request.duration, request.message_count, result);
  meter.finish(result);
  return result;
}

}  // namespace myra::bench
