// What the io_uring baseline asks of the kernel, and what it keeps of a connection and of a turn.
#pragma once

#include "buffer_ring.hpp"
#include "raw_ring.hpp"
#include "sockets.hpp"

#include <algorithm>
#include <vector>

namespace myra::bench {

constexpr std::size_t queued_bytes_max = 1U << 20U;
constexpr std::size_t segments_per_send_max = 64;
constexpr std::uint32_t none = UINT32_MAX;

enum class act : std::uint8_t { accept, receive, silent_send, send, cancel, close, stop };

inline std::uint64_t tag(act what, std::uint32_t slot) {
  return (static_cast<std::uint64_t>(what) << 32U) | slot;
}

/// Bytes of one connection in one buffer of the ring; a list per connection and turn.
struct segment {
  std::uint32_t size;
  std::uint32_t next;
  std::uint16_t buffer;
};

struct segment_list {
  std::uint32_t first = none;
  std::uint32_t last = none;
  std::uint32_t count = 0;
};

struct connection {
  std::vector<char> sending;  // held by an ordinary send in flight when not empty
  std::vector<char> queued;   // goes after `sending`
  std::size_t sent = 0;       // of `sending`
  segment_list received;      // in this turn
  segment_list submitted;     // as a silent send at the end of the last turn
  bool receiving = false;
  bool cancelling = false;
  bool ended = false;   // the peer sends no more
  bool broken = false;  // the connection failed: nothing more is sent
  bool closed = false;  // the slot is being emptied

  bool blocked() const { return !sending.empty(); }
};

struct turn {
  std::vector<segment> segments;
  std::vector<std::uint32_t> slots;  // connections with a segment
};

struct ring_sizes {
  std::uint32_t completions;
  std::uint32_t buffers;
  std::uint32_t buffer_bytes;
};

/// One ring with its buffers and its table of direct descriptors, and a request for each operation.
class uring_requests {
 protected:
  uring_requests(const ring_sizes& sizes, bool spin)
      : ring_(set_up_ring(sizes.completions, spin)),
        buffers_(ring_, sizes.buffers, sizes.buffer_bytes) {
    const std::uint32_t slots = std::min(raise_descriptor_limit(), 32768U);
    connections_.resize(slots);
    const int error = io_uring_register_files_sparse(&ring_, slots);
    if (error != 0) fail_system("io_uring_register_files_sparse", -error);
    io_uring_register_ring_fd(&ring_);
    messages_.resize(ring_.sq.ring_entries);
    vectors_.resize(messages_.size() * segments_per_send_max);
  }

  io_uring_sqe* take_sqe() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (sqe == nullptr) {
      io_uring_submit(&ring_);  // silent sends may go: their buffers stay until the next turn
      message_count_ = 0;
      sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
  }

  static void finish(io_uring_sqe* sqe, act what, std::uint32_t slot, unsigned flags) {
    io_uring_sqe_set_data64(sqe, tag(what, slot));
    io_uring_sqe_set_flags(sqe, flags);
  }

  void accept() {
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_multishot_accept_direct(sqe, listener_, nullptr, nullptr, 0);
    finish(sqe, act::accept, 0, 0);
    accepting_ = true;
  }

  void receive(std::uint32_t slot, connection& one) {
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_recv_multishot(sqe, static_cast<int>(slot), nullptr, 0, 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->buf_group = buffer_ring::group;
    finish(sqe, act::receive, slot, IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT);
    one.receiving = true;
  }

  void send_silently(std::uint32_t slot, const segment_list& list) {
    constexpr int flags = MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL;
    io_uring_sqe* const sqe = take_sqe();
    if (list.count == 1) {
      const segment& piece = now_.segments[list.first];
      io_uring_prep_send(sqe, static_cast<int>(slot), buffers_.data(piece.buffer), piece.size,
                         flags);
    } else {
      msghdr& message = messages_[message_count_];
      iovec* const vectors = &vectors_[message_count_++ * segments_per_send_max];
      message.msg_iov = vectors;
      message.msg_iovlen = 0;
      for_each(now_, list, [&](const segment& piece) {
        vectors[message.msg_iovlen++] = {buffers_.data(piece.buffer), piece.size};
      });
      io_uring_prep_sendmsg(sqe, static_cast<int>(slot), &message, flags);
    }
    finish(sqe, act::silent_send, slot, IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS);
  }

  void send_queued(std::uint32_t slot, connection& one) {
    one.sending.swap(one.queued);
    one.sent = 0;
    if (one.blocked()) send_rest(slot, one);
  }

  void send_rest(std::uint32_t slot, connection& one) {
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_send(sqe, static_cast<int>(slot), one.sending.data() + one.sent,
                       one.sending.size() - one.sent, MSG_WAITALL | MSG_NOSIGNAL);
    finish(sqe, act::send, slot, IOSQE_FIXED_FILE);
  }

  void pause(std::uint32_t slot, connection& one) {
    if (!one.receiving || one.cancelling) return;
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_cancel64(sqe, tag(act::receive, slot), 0);
    finish(sqe, act::cancel, slot, IOSQE_CQE_SKIP_SUCCESS);
    one.cancelling = true;
  }

  void break_off(std::uint32_t slot, connection& one) {
    one.broken = true;
    pause(slot, one);
  }

  void close_slot(std::uint32_t slot, connection& one) {
    io_uring_sqe* const sqe = take_sqe();
    io_uring_prep_close_direct(sqe, slot);
    finish(sqe, act::close, slot, IOSQE_CQE_SKIP_SUCCESS);
    one.closed = true;
    if (!accepting_) accept();
  }

  template <typename Visit>
  static void for_each(const turn& of, const segment_list& list, const Visit& visit) {
    for (std::uint32_t i = list.first; i != none; i = of.segments[i].next) {
      visit(of.segments[i]);
    }
  }

  bool accepting_ = false;
  int listener_ = -1;
  io_uring ring_;
  buffer_ring buffers_;
  std::vector<connection> connections_;  // by slot of the direct descriptor
  turn now_;
  turn last_;
  std::vector<msghdr> messages_;  // as many as the submission queue holds
  std::vector<iovec> vectors_;
  std::size_t message_count_ = 0;
};

}  // namespace myra::bench
