// The connections of the load generator: what goes out and comes back on one io_uring, checked.
#pragma once

#include "buffer_ring.hpp"
#include "content.hpp"
#include "load_result.hpp"
#include "sockets.hpp"

#include <algorithm>
#include <bit>
#include <vector>

namespace myra::bench {

struct client {
  client(std::uint32_t number, const load_request& request, std::uint32_t under_way_max)
      : checker(number, request.message_size),
        outgoing(static_cast<std::size_t>(request.message_size) * under_way_max),
        due_at(std::bit_ceil(under_way_max)) {}

  std::uint64_t& due_at_of(std::uint64_t sequence) {
    return due_at[sequence & (due_at.size() - 1)];
  }
  std::uint64_t under_way() const { return written + due - checker.sequence(); }

  echo_checker checker;
  std::vector<char> outgoing;  // the messages of the send under way
  std::size_t outgoing_size = 0;
  std::size_t sent = 0;               // of `outgoing_size`, while an ordinary send carries on
  bool blocked = false;               // an ordinary send is in flight
  std::uint32_t due = 0;              // messages to send when the turn ends
  std::uint64_t written = 0;          // messages handed to the kernel
  std::vector<std::uint64_t> due_at;  // nanoseconds, by sequence; a power of two of them
};

/// What a loop has to know: `taken` messages of connection `number` came back.
class reply_listener {
 public:
  virtual void on_replies(std::uint32_t number, std::uint32_t taken) = 0;

 protected:
  ~reply_listener() = default;
};

/// Connections that send numbered messages and check what comes back. A loop decides when: it calls
/// `owe`, `send_due`, `wait` or `poll`, and `collect`. Ends the program on wrong content.
class echo_clients {
 public:
  /// A connection has at most `under_way_max` messages without a reply.
  echo_clients(const load_request& request, std::uint32_t under_way_max, reply_listener& listener);
  ~echo_clients() { io_uring_queue_exit(&ring_); }
  echo_clients(const echo_clients&) = delete;
  echo_clients& operator=(const echo_clients&) = delete;

  static std::uint64_t now() {
    return static_cast<std::uint64_t>(clock::now().time_since_epoch().count());
  }

  void count_into(load_result& result) { result_ = &result; }
  /// The time of the turn, from which latencies are counted.
  void set_time(std::uint64_t time) { time_ = time; }
  std::uint64_t time() const { return time_; }

  /// `messages` more are to be sent on a connection by the next `send_due`; their latency counts
  /// from `due_at` on.
  void owe(std::uint32_t number, std::uint32_t messages, std::uint64_t due_at) {
    client& one = clients_[number];
    if (one.due == 0) due_.push_back(number);
    for (std::uint32_t i = 0; i < messages; ++i, ++one.due) {
      one.due_at_of(one.written + one.due) = due_at;
    }
    under_way_ += messages;
  }

  void send_due();

  /// Submits and sleeps until `wanted` completions are there, or one for each connection that has
  /// a message under way: each of those is certain to complete something.
  void wait(std::uint32_t wanted) {
    const auto certain = static_cast<unsigned>(std::min<std::uint64_t>(wanted, busy_));
    io_uring_submit_and_wait(&ring_, std::max(1U, certain));
  }

  /// Submits and does not sleep.
  void poll() { io_uring_submit_and_get_events(&ring_); }

  void collect();

  /// Messages without a reply, of one connection and of all.
  std::uint64_t under_way(std::uint32_t number) const { return clients_[number].under_way(); }
  std::uint64_t under_way() const { return under_way_; }

 private:
  enum class act : std::uint8_t { receive, silent_send, send };

  void on_received(std::uint32_t number, int result, std::uint32_t flags);
  void take_replies(std::uint32_t number, const char* data, std::size_t size);
  void note_latency(client& one, std::uint64_t next);
  void send_messages(std::uint32_t number);
  void on_silent_failure(std::uint32_t number, int result);
  void on_sent(std::uint32_t number, int result);
  void send_rest(std::uint32_t number);
  void receive(std::uint32_t number);
  io_uring_sqe* take_sqe();
  static void finish(io_uring_sqe* sqe, act what, std::uint32_t number, unsigned flags);

  const load_request& request_;
  reply_listener& listener_;
  io_uring ring_;
  buffer_ring buffers_;
  std::vector<char> scratch_;  // for the checker
  std::vector<client> clients_;
  std::vector<std::uint32_t> due_;  // clients that owe messages
  std::uint64_t under_way_ = 0;     // messages sent or due, without reply
  std::uint64_t busy_ = 0;          // clients with a message under way
  std::uint64_t time_ = 0;          // of this turn
  load_result* result_ = nullptr;
};

}  // namespace myra::bench
