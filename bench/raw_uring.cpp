// The io_uring baseline: an echo loop written directly on liburing, as fast as we know how.
//
// Deferred task running on a single-issuer ring with a registered descriptor; multishot accept
// into direct descriptors; multishot receive from one buffer ring; silent sends.
//
// A turn is: enter the kernel once, which submits what the last turn queued and waits; collect all
// completions; start at most one send per connection for all that it received. A silent send
// (MSG_DONTWAIT | MSG_WAITALL, no completion on success) is over when the entry that submitted it
// has returned, and has succeeded unless a completion says otherwise. So its buffers go back to
// the ring after the next collection, and nothing wakes the loop on its account. One that came up
// short, or found no room, leaves its rest in `sending`, and an ordinary send that waits for room
// carries on; what arrives meanwhile is copied to `queued`, and past a limit receiving is paused.

#include "buffer_ring.hpp"
#include "sockets.hpp"

#include <poll.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace {

using namespace myra::bench;

constexpr std::size_t queued_bytes_max = 1U << 20U;
constexpr std::size_t segments_per_send_max = 64;
constexpr std::uint32_t none = UINT32_MAX;

enum class act : std::uint8_t { accept, receive, silent_send, send, cancel, close, stop };

std::uint64_t tag(act what, std::uint32_t slot) {
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

class uring_echo {
 public:
  uring_echo(const ring_sizes& sizes, bool spin)
      : spin_(spin),
        ring_(set_up(sizes, spin)),
        buffers_(ring_, sizes.buffers, sizes.buffer_bytes) {
    const std::uint32_t slots = std::min(raise_descriptor_limit(), 32768U);
    connections_.resize(slots);
    const int error = io_uring_register_files_sparse(&ring_, slots);
    if (error != 0) fail_system("io_uring_register_files_sparse", -error);
    io_uring_register_ring_fd(&ring_);
    messages_.resize(ring_.sq.ring_entries);
    vectors_.resize(messages_.size() * segments_per_send_max);
  }

  void run(int listener) {
    listener_ = listener;
    accept();
    io_uring_sqe* const stop = take_sqe();
    io_uring_prep_poll_add(stop, open_stop_descriptor(), POLLIN);
    finish(stop, act::stop, 0, 0);
    while (!stopped_) {
      enter();
      collect();
      release_submitted();
      for (const std::uint32_t slot : now_.slots) send_received(slot);
      for (std::size_t i = 0; i < stale_.size(); ++i) settle(stale_[i]);
      stale_.clear();
      buffers_.publish();
      std::swap(now_, last_);
    }
  }

 private:
  static io_uring set_up(const ring_sizes& sizes, bool spin) {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                       IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    // A spin must see that the kernel has work for us; a wait is told so anyway.
    if (spin) parameters.flags |= IORING_SETUP_TASKRUN_FLAG;
    parameters.cq_entries = sizes.completions;
    io_uring ring{};
    const std::uint32_t submissions = std::min(1024U, sizes.completions);
    const int error = io_uring_queue_init_params(submissions, &ring, &parameters);
    if (error != 0) fail_system("io_uring_queue_init_params", -error);
    return ring;
  }

  // --- the turn ---

  void enter() {
    message_count_ = 0;
    if (!spin_) {
      io_uring_submit_and_wait(&ring_, 1);
      return;
    }
    constexpr unsigned work = IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW;
    do {
      if (io_uring_sq_ready(&ring_) > 0 ||
          (__atomic_load_n(ring_.sq.kflags, __ATOMIC_RELAXED) & work) != 0) {
        io_uring_submit_and_get_events(&ring_);
      } else {
        __builtin_ia32_pause();
      }
    } while (io_uring_cq_ready(&ring_) == 0);
  }

  /// Takes every completion there is, those that did not fit the queue included: only then is a
  /// silent send without a completion known to have succeeded.
  void collect() {
    for (;;) {
      unsigned head = 0;
      unsigned count = 0;
      io_uring_cqe* cqe = nullptr;
      io_uring_for_each_cqe(&ring_, head, cqe) {
        dispatch(*cqe);
        ++count;
      }
      io_uring_cq_advance(&ring_, count);
      if (!io_uring_cq_has_overflow(&ring_)) return;
      io_uring_get_events(&ring_);
    }
  }

  void dispatch(const io_uring_cqe& cqe) {
    const auto slot = static_cast<std::uint32_t>(cqe.user_data);
    switch (static_cast<act>(cqe.user_data >> 32U)) {
      case act::receive: return on_received(slot, cqe.res, cqe.flags);
      case act::silent_send: return on_silent_failure(slot, cqe.res);
      case act::send: return on_sent(slot, cqe.res);
      case act::accept: return on_accepted(cqe.res, cqe.flags);
      case act::stop: stopped_ = true; return;
      case act::cancel:  // nothing to cancel any more
      case act::close: return;
    }
  }

  /// Gives back the buffers of the silent sends that the last entry has finished.
  void release_submitted() {
    for (const std::uint32_t slot : last_.slots) {
      connection& one = connections_[slot];
      for_each(last_, one.submitted,
               [this](const segment& piece) { buffers_.give_back(piece.buffer); });
      one.submitted = segment_list{};
    }
    last_.segments.clear();
    last_.slots.clear();
  }

  void send_received(std::uint32_t slot) {
    connection& one = connections_[slot];
    const segment_list list = std::exchange(one.received, segment_list{});
    if (one.broken) {
      for_each(now_, list, [this](const segment& piece) { buffers_.give_back(piece.buffer); });
    } else if (one.blocked() || one.ended || list.count > segments_per_send_max) {
      for_each(now_, list, [this, &one](const segment& piece) {
        const char* const data = buffers_.data(piece.buffer);
        one.queued.insert(one.queued.end(), data, data + piece.size);
        buffers_.give_back(piece.buffer);
      });
      if (!one.blocked()) send_queued(slot, one);
      if (one.queued.size() > queued_bytes_max) pause(slot, one);
    } else {
      send_silently(slot, list);
      one.submitted = list;
    }
  }

  // --- completions ---

  void on_accepted(int result, std::uint32_t flags) {
    const bool more = (flags & IORING_CQE_F_MORE) != 0;
    if (result >= 0) {
      const auto slot = static_cast<std::uint32_t>(result);
      connections_[slot] = connection{};
      receive(slot, connections_[slot]);
    }
    if (more) return;
    accepting_ = false;
    // A full table: accept again when a connection has left it.
    if (result != -ENFILE) accept();
  }

  void on_received(std::uint32_t slot, int result, std::uint32_t flags) {
    connection& one = connections_[slot];
    if (result > 0) {
      append(one, slot, static_cast<std::uint32_t>(result), buffer_of(flags));
    } else if ((flags & IORING_CQE_F_BUFFER) != 0) {
      buffers_.give_back(buffer_of(flags));
    }
    if ((flags & IORING_CQE_F_MORE) != 0) return;
    one.receiving = false;
    one.ended = one.ended || result == 0;
    one.broken = one.broken ||
                 (result < 0 && result != -ENOBUFS && result != -ECANCELED && result != -EINTR);
    stale_.push_back(slot);
  }

  void append(connection& one, std::uint32_t slot, std::uint32_t size, std::uint16_t buffer) {
    const auto index = static_cast<std::uint32_t>(now_.segments.size());
    now_.segments.push_back({size, none, buffer});
    if (one.received.count++ == 0) {
      one.received.first = index;
      now_.slots.push_back(slot);
    } else {
      now_.segments[one.received.last].next = index;
    }
    one.received.last = index;
  }

  void on_silent_failure(std::uint32_t slot, int result) {
    connection& one = connections_[slot];
    stale_.push_back(slot);
    if (result < 0 && result != -EAGAIN) {
      break_off(slot, one);
      return;
    }
    std::size_t skip = result < 0 ? 0 : static_cast<std::size_t>(result);
    for_each(last_, one.submitted, [&](const segment& piece) {
      const std::size_t gone = std::min<std::size_t>(skip, piece.size);
      const char* const data = buffers_.data(piece.buffer);
      one.sending.insert(one.sending.end(), data + gone, data + piece.size);
      skip -= gone;
    });
    one.sent = 0;
    if (one.blocked()) send_rest(slot, one);
  }

  void on_sent(std::uint32_t slot, int result) {
    connection& one = connections_[slot];
    stale_.push_back(slot);
    if (result < 0 && result != -EINTR) {
      one.sending.clear();
      one.queued.clear();
      break_off(slot, one);
      return;
    }
    one.sent += result < 0 ? 0 : static_cast<std::size_t>(result);
    if (one.sent < one.sending.size()) return send_rest(slot, one);
    one.sending.clear();
    send_queued(slot, one);
  }

  /// Brings a connection on whose receive or send has ended: receives again, or closes.
  void settle(std::uint32_t slot) {
    connection& one = connections_[slot];
    if (one.receiving) return;
    one.cancelling = false;
    const bool finished = one.ended || one.broken;
    if (!finished && one.queued.size() <= queued_bytes_max / 2) return receive(slot, one);
    // A silent send of this turn wakes nobody; `ended` made it an ordinary one, unless the
    // end came right behind it, and then the next line is reached in the same turn.
    if (finished && !one.blocked() && !one.closed) close_slot(slot, one);
  }

  // --- requests ---

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

  bool spin_;
  bool stopped_ = false;
  bool accepting_ = false;
  int listener_ = -1;
  io_uring ring_;
  buffer_ring buffers_;
  std::vector<connection> connections_;  // by slot of the direct descriptor
  std::vector<std::uint32_t> stale_;     // slots to settle at the end of the turn
  turn now_;
  turn last_;
  std::vector<msghdr> messages_;  // as many as the submission queue holds
  std::vector<iovec> vectors_;
  std::size_t message_count_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv,
                             {"listen", "wait", "completions", "buffers", "buffer-bytes"}, {});
  const bool spin = options.is_second("wait", "block", "spin");
  const ring_sizes sizes{.completions = options.number("completions", 16384),
                         .buffers = options.number("buffers", 1024),
                         .buffer_bytes = options.number("buffer-bytes", 4096)};
  const int listener = open_listener(parse_address(options.text("listen", "127.0.0.1:0")), 0);
  static uring_echo server(sizes, spin);
  print_ready(listener, "uring: raw loop");
  server.run(listener);
}
