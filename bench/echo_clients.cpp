#include "echo_clients.hpp"

namespace myra::bench {
namespace {

io_uring set_up(const load_request& request) {
  io_uring_params parameters{};
  parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                     IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE;
  // Never full: a silent send is taken for done when no completion says otherwise.
  parameters.cq_entries = std::bit_ceil(4096U + 8 * std::min(request.connections, 7000U));
  io_uring ring{};
  const int error = io_uring_queue_init_params(4096, &ring, &parameters);
  if (error != 0) fail_system("io_uring_queue_init_params", -error);
  return ring;
}

bool is_large(const load_request& request) { return request.message_size > 4096; }

}  // namespace

echo_clients::echo_clients(const load_request& request, std::uint32_t under_way_max,
                           reply_listener& listener)
    : request_(request),
      listener_(listener),
      ring_(set_up(request)),
      buffers_(ring_, is_large(request) ? 256 : 1024, is_large(request) ? 65536 : 4096),
      scratch_(request.message_size + 7) {
  std::vector<int> sockets;
  for (std::uint32_t i = 0; i < request.connections; ++i) {
    clients_.emplace_back(i, request, under_way_max);
    sockets.push_back(connect_to(request.server, i));
  }
  const int error = io_uring_register_files(&ring_, sockets.data(), request.connections);
  if (error != 0) fail_system("io_uring_register_files", -error);
  io_uring_register_ring_fd(&ring_);
  for (std::uint32_t i = 0; i < request.connections; ++i) receive(i);
}

void echo_clients::send_due() {
  for (const std::uint32_t number : due_) {
    if (!clients_[number].blocked && clients_[number].due > 0) send_messages(number);
  }
  due_.clear();
}

void echo_clients::collect() {
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

void echo_clients::on_received(std::uint32_t number, int result, std::uint32_t flags) {
  if (result == 0) fail_run("the server closed a connection");
  if (result < 0 && result != -ENOBUFS) fail_system("receive", -result);
  if (result > 0) {
    take_replies(number, buffers_.data(buffer_of(flags)), static_cast<std::size_t>(result));
    buffers_.give_back(buffer_of(flags));
  }
  if ((flags & IORING_CQE_F_MORE) == 0) receive(number);
}

void echo_clients::take_replies(std::uint32_t number, const char* data, std::size_t size) {
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
  if (replies > 0) listener_.on_replies(number, replies);
}

/// Messages that went out together, which most do, are one entry of the histogram.
void echo_clients::note_latency(client& one, std::uint64_t next) {
  const std::uint64_t end = one.checker.sequence();
  while (next < end) {
    const std::uint64_t due_at = one.due_at_of(next);
    const std::uint64_t first = next;
    while (next < end && one.due_at_of(next) == due_at) ++next;
    result_->latency.add(time_ - due_at, next - first);
  }
}

/// One silent send of all messages that are due. The last one is over: it was submitted by an
/// earlier entry than the one that brought us here, or `blocked` would be set.
void echo_clients::send_messages(std::uint32_t number) {
  client& one = clients_[number];
  if (one.written == one.checker.sequence()) ++busy_;
  one.outgoing_size = 0;
  for (; one.due > 0; --one.due, ++one.written) {
    write_message(one.outgoing.data() + one.outgoing_size, request_.message_size, number,
                  one.written);
    one.outgoing_size += request_.message_size;
  }
  io_uring_sqe* const sqe = take_sqe();
  io_uring_prep_send(sqe, static_cast<int>(number), one.outgoing.data(), one.outgoing_size,
                     MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
  finish(sqe, act::silent_send, number, IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS);
}

void echo_clients::on_silent_failure(std::uint32_t number, int result) {
  if (result < 0 && result != -EAGAIN) fail_system("send", -result);
  client& one = clients_[number];
  one.sent = result < 0 ? 0 : static_cast<std::size_t>(result);
  one.blocked = true;
  send_rest(number);
}

void echo_clients::on_sent(std::uint32_t number, int result) {
  if (result < 0) fail_system("send", -result);
  client& one = clients_[number];
  one.sent += static_cast<std::size_t>(result);
  if (one.sent < one.outgoing_size) return send_rest(number);
  one.blocked = false;
  if (one.due > 0) due_.push_back(number);
}

void echo_clients::send_rest(std::uint32_t number) {
  const client& one = clients_[number];
  io_uring_sqe* const sqe = take_sqe();
  io_uring_prep_send(sqe, static_cast<int>(number), one.outgoing.data() + one.sent,
                     one.outgoing_size - one.sent, MSG_WAITALL | MSG_NOSIGNAL);
  finish(sqe, act::send, number, IOSQE_FIXED_FILE);
}

void echo_clients::receive(std::uint32_t number) {
  io_uring_sqe* const sqe = take_sqe();
  io_uring_prep_recv_multishot(sqe, static_cast<int>(number), nullptr, 0, 0);
  sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  sqe->buf_group = buffer_ring::group;
  finish(sqe, act::receive, number, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
}

io_uring_sqe* echo_clients::take_sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
  }
  return sqe;
}

void echo_clients::finish(io_uring_sqe* sqe, act what, std::uint32_t number, unsigned flags) {
  io_uring_sqe_set_data64(sqe, (static_cast<std::uint64_t>(what) << 32U) | number);
  io_uring_sqe_set_flags(sqe, flags);
}

}  // namespace myra::bench
