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

#include "raw_uring_requests.hpp"

#include <poll.h>

#include <utility>

namespace {

using namespace myra::bench;

class uring_echo : uring_requests {
 public:
  uring_echo(const ring_sizes& sizes, bool spin) : uring_requests(sizes, spin), spin_(spin) {}

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

  bool spin_;
  bool stopped_ = false;
  std::vector<std::uint32_t> stale_;  // slots to settle at the end of the turn
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
