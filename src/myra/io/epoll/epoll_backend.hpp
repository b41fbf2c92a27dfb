// The backend on epoll(7), for kernels and places that have no io_uring: the same operations with
// the same results, over readiness.
//
// A turn executes what was submitted, waits in one epoll_wait(2), then does the I/O that the events
// allow and calls the handlers as it goes. Descriptors are watched edge-triggered from the first
// time that an operation has to wait, for writing from the first time that a send or connect has
// to; so a connection that is never back-pressured costs one epoll_ctl(2) in its life.
//
// An operation in flight is in exactly one place:
//
//   queued_   submitted; execution in the next `wait`
//   table_    waits for an event: the descriptor's reader, its writer, or one of its polls
//   attempts_ a reader (of the table as well) to be tried in the next `deliver`: it was just
//             submitted, or it had used up its share of a turn before the socket was drained
//   datagrams_ datagrams for one socket, to be sent by one sendmmsg(2) before this `wait` goes on
//   retries_  a connect (the descriptor's writer as well) to a Unix socket whose backlog is full
//   ready_    its result is known and is delivered next; silent_: the same, but wakes nobody
//
// On one descriptor at most one receive or accept and at most one send or connect wait at a time;
// one more completes with -EBUSY. Polls, and sends of datagrams, may be any number.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <memory>

#include "myra/io/backend.hpp"
#include "myra/io/datagram_operation.hpp"
#include "myra/io/epoll/descriptor_table.hpp"
#include "myra/io/epoll/epoll_network.hpp"
#include "myra/io/epoll/operation_queue.hpp"
#include "myra/memory/buffer_pool.hpp"

namespace myra::io {

struct epoll_options {
  /// `spin` asks the kernel once a turn and never sleeps.
  waiting wait = waiting::block;
  duration spin_time = std::chrono::microseconds(50);  ///< Of `spin_then_block`.
  /// Busy polling of network cards (EPIOCSPARAMS); zero: none.
  duration busy_poll = duration::zero();
  bool prefer_busy_poll = false;
  /// Of large buffers, for receives that ask for them; borrowed, outlives the backend. Null: none.
  buffer_pool* large_pool = nullptr;
};

class alignas(cache_line_size) epoll_backend final : public backend {
 public:
  /// `pool` is borrowed and outlives the backend. Errors: resource_exhausted at the limit of
  /// descriptors or of memory.
  [[nodiscard]] static opened<std::unique_ptr<epoll_backend>> open(const epoll_options& options,
                                                                   buffer_pool& pool);
  /// Nothing may be in flight.
  ~epoll_backend() override;

  [[nodiscard]] backend_kind kind() const noexcept override { return backend_kind::epoll; }
  void submit(operation& submitted) noexcept override;
  void cancel(operation& unwanted) noexcept override;
  [[nodiscard]] result<void> wait(time_point deadline, time_point now) noexcept override;
  void deliver() noexcept override;
  [[nodiscard]] bool pending() const noexcept override;
  [[nodiscard]] time_point next_look() const noexcept override;
  void wake() noexcept override;
  [[nodiscard]] time_point now() noexcept override { return clock::now(); }
  [[nodiscard]] time_point rough_now() noexcept override { return myra::rough_now(); }
  [[nodiscard]] int descriptor() const noexcept override { return epoll_descriptor_; }
  [[nodiscard]] network& sockets() noexcept override { return network_; }
  [[nodiscard]] backend_counters counters() const noexcept override;
  /// The kernel has taken what `busy_poll` asked for.
  [[nodiscard]] bool busy_polling() const noexcept { return busy_polling_; }

 private:
  static constexpr int event_count_max = 256;

  epoll_backend(const epoll_options& options, buffer_pool& pool, int epoll_descriptor,
                int wake_descriptor) noexcept;

  // The first half of a turn. Results go to ready_.
  void execute(operation& begun) noexcept;
  void start_accept(accept_operation& accept) noexcept;
  void start_connect(connect_operation& connect) noexcept;
  void start_reader(operation& reader, bool poll_first) noexcept;
  void start_send_datagram(send_datagram_operation& send) noexcept;
  void send_datagrams() noexcept;
  void start_send(send_operation& send) noexcept;
  void start_poll(poll_operation& poll) noexcept;
  void start_shutdown(shutdown_operation& shutdown) noexcept;
  void start_close(close_operation& close) noexcept;
  void start_cancel(cancel_operation& asked) noexcept;
  void retry_connects(time_point now) noexcept;
  [[nodiscard]] int timeout_ms(time_point deadline, time_point now) const noexcept;
  [[nodiscard]] int ask(int timeout_ms) noexcept;
  [[nodiscard]] int spin_then_ask(time_point deadline) noexcept;

  // The second half. Results go to the handlers.
  void take_event(const epoll_event& event) noexcept;
  void take_wake() noexcept;
  void attempt(operation& listed) noexcept;
  void run_reader(watched_descriptor& on) noexcept;
  void run_writer(watched_descriptor& on, std::uint32_t events) noexcept;
  void run_accept(watched_descriptor& on, accept_operation& accept) noexcept;
  void run_receive(watched_descriptor& on, receive_operation& receive) noexcept;
  [[nodiscard]] bool receive_once(watched_descriptor& on, receive_operation& receive,
                                  std::uint32_t& left) noexcept;
  [[nodiscard]] slot*& spare_for(const receive_operation& receive) noexcept;
  void run_receive_datagrams(watched_descriptor& on, receive_datagram_operation& receive) noexcept;
  [[nodiscard]] unsigned lend_for_datagrams(unsigned wanted) noexcept;
  [[nodiscard]] bool deliver_datagrams(watched_descriptor& on, receive_datagram_operation& receive,
                                       unsigned count) noexcept;
  void resume_send_datagrams(watched_descriptor& on) noexcept;
  [[nodiscard]] int resume_connect(const connect_operation& connect, std::uint32_t events) noexcept;
  [[nodiscard]] int resume_send(send_operation& send) noexcept;
  void run_polls(watched_descriptor& on, std::uint32_t events) noexcept;

  // Both.
  void arm_reader(watched_descriptor& on, operation& reader) noexcept;
  void list_reader(watched_descriptor& on, operation& reader) noexcept;
  void end_reader(watched_descriptor& on, operation& reader, int result) noexcept;
  void list_datagram(send_datagram_operation& send) noexcept;
  void unlist_datagram(watched_descriptor& on, send_datagram_operation& unwanted) noexcept;
  [[nodiscard]] int transmit(const send_operation& send, std::uint32_t& done) noexcept;
  [[nodiscard]] int connect_once(const connect_operation& connect) noexcept;

  void settle(operation& ended, int result) noexcept;
  void finish(operation& ended, int result) noexcept;
  void finish(operation& completed, completion& what) noexcept;

  /// Datagrams of one recvmmsg(2) at most.
  static constexpr unsigned received_count_max = 16;
  /// Datagrams of one sendmmsg(2) at most.
  static constexpr unsigned sent_count_max = 64;
  struct outgoing_datagrams {
    std::array<send_datagram_operation*, sent_count_max> sends;
    std::array<mmsghdr, sent_count_max> headers;
    unsigned count = 0;
  };
  struct incoming_datagrams {
    std::array<receive_envelope, received_count_max> envelopes;
    std::array<mmsghdr, received_count_max> headers;
    std::array<slot*, received_count_max> slots;
    unsigned wanted = 1;  ///< By what the last call brought.
  };

  int epoll_descriptor_;
  int wake_descriptor_;
  waiting wait_;
  duration spin_time_;
  bool busy_polling_;
  buffer_pool& pool_;
  descriptor_table table_{epoll_descriptor_};
  epoll_network network_{table_};
  buffer_pool* large_pool_;
  slot* spare_ = nullptr;  ///< For the next receive; one that finds nothing leaves it here.
  slot* large_spare_ = nullptr;
  operation_queue queued_;
  operation_queue attempts_;
  operation_queue retries_;
  operation_queue ready_;
  operation_queue silent_;
  time_point retry_at_{};
  backend_counters counters_;
  std::uint64_t in_flight_count_ = 0;
  int event_count_ = 0;
  outgoing_datagrams datagrams_;
  incoming_datagrams incoming_;
  std::array<epoll_event, event_count_max> events_;
  alignas(cache_line_size) std::atomic<bool> waking_{
      false};  ///< The eventfd was written to and not yet seen.
};

}  // namespace myra::io
