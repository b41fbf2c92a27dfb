// What stands behind a datagram socket: its operations, its queues, its end (states in
// datagram_socket.hpp).
//
// What is to be sent is an entry of a fixed number, made when the socket opens. An entry is in one
// place at a time:
//
//   free_     nobody's
//   queue_    to be sent; before the next kernel entry all of it becomes so many operations
//   in flight with the backend; several at a time, in the order of the queue
//   again_    came back because the socket was full; the first of them waits for room, alone,
//             before the others follow
//
// Several entries may lie in one slot, copies of one turn or the pieces of a row: the slot counts
// them. Lives until its owner is gone and it is closed. Thread: all on the loop's thread.
#pragma once

#include <cstdint>
#include <deque>

#include "myra/io/datagram_operation.hpp"
#include "myra/reactor/loop.hpp"
#include "myra/transport/datagram_queues.hpp"
#include "myra/transport/datagram_socket.hpp"
#include "myra/transport/stream.hpp"

namespace myra {

class mailbox final : public drainable {
 public:
  /// What the socket was found to be when it was opened.
  struct socket_facts {
    int descriptor = -1;
    endpoint local;
    endpoint peer;
    bool segments = false;
    bool coalesces = false;
  };
  mailbox(loop& runs, const socket_facts& facts, const datagram_options& options);
  ~mailbox() override;

  void serve(datagram_handler& handler) noexcept;
  /// `to` is null on a connected socket.
  sent_datagram send(buffer&& bytes, const endpoint* to, std::uint16_t segment_size) noexcept;
  sent_datagram send_copy(byte_view bytes, const endpoint* to, std::uint16_t segment_size) noexcept;
  void end_input() noexcept;
  void close() noexcept;
  void abort() noexcept;
  void pause_receive() noexcept;
  void resume_receive() noexcept;
  /// The owner is gone.
  void abandon() noexcept;

  /// Moves the next thing that came out: a datagram, or an error. False: nothing is there now.
  [[nodiscard]] bool take_received(result<datagram>& out) noexcept;
  [[nodiscard]] bool ended() const noexcept {
    return state_ != datagram_state::open || (input_ended_ && receive_.idle());
  }
  /// One waiter each; null: nobody.
  void wait_receive(stream_waiter* waiter) noexcept;
  void wait_send(stream_waiter* waiter) noexcept;

  [[nodiscard]] datagram_state state() const noexcept { return state_; }
  [[nodiscard]] std::uint32_t queued_count() const noexcept {
    return options_.send_queue_max - free_count_;
  }
  [[nodiscard]] const datagram_counters& counters() const noexcept { return counters_; }
  [[nodiscard]] const socket_facts& facts() const noexcept { return facts_; }
  [[nodiscard]] loop& runs_on() const noexcept { return loop_; }

  void drain() noexcept override;
  void cut() noexcept override { abort(); }
  [[nodiscard]] bool drained() const noexcept override { return state_ == datagram_state::closed; }

 private:
  template <class Base>
  struct own : Base {
    own(mailbox& owner, auto on_event) noexcept : Base(on_event), self(owner) {}
    mailbox& self;
  };

  // Receiving (mailbox_receive.cpp).
  static void on_receive_complete(io::operation& completed, io::completion& what) noexcept;
  /// The same, where the loop times messages.
  static void on_timed_receive_complete(io::operation& completed, io::completion& what) noexcept;
  void received(io::completion& what) noexcept;
  void received_none(std::int32_t outcome) noexcept;
  void keep(io::completion& what) noexcept;
  void deliver_queued() noexcept;
  void lend_to_handler(buffer& bytes, const io::arrival& from) noexcept;
  [[nodiscard]] bool wants_bytes() const noexcept;
  void arm_receive() noexcept;
  void end_of_input() noexcept;
  void drop_received() noexcept;

  // Sending (mailbox_send.cpp).
  static void on_send_complete(io::operation& completed, io::completion& what) noexcept;
  sent_datagram take_too_long(const endpoint* to) noexcept;
  [[nodiscard]] sent_datagram refuse(const sent_datagram& unsent) noexcept;
  [[nodiscard]] std::uint32_t piece_size(std::uint32_t size,
                                         std::uint16_t segment_size) const noexcept;
  [[nodiscard]] bool open_copy(std::uint32_t size) noexcept;
  void close_copy() noexcept;
  void enqueue(slot& held, byte_view bytes, const endpoint* to, std::uint16_t segment_size,
               std::uint32_t piece) noexcept;
  void flush() noexcept;
  void submit(outgoing_datagram& next) noexcept;
  void sent(const outgoing_datagram& gone) noexcept;
  void send_failed(outgoing_datagram& failed, std::int32_t result) noexcept;
  [[nodiscard]] bool cut_again(outgoing_datagram& row) noexcept;
  void retire(outgoing_datagram& done) noexcept;
  void release_slot(slot& held) noexcept;
  void go_on_sending() noexcept;
  void drop_queue() noexcept;
  /// Whether there was somebody to be told.
  bool tell_of_room() noexcept;

  // The end (mailbox.cpp).
  static void on_attend(deferred& called) noexcept;
  static void on_buffer_free(deferred& called) noexcept;
  static void on_linger_over(timer& fired) noexcept;
  static void on_close_complete(io::operation& completed, io::completion& what) noexcept;
  void attend_soon() noexcept { loop_.defer(attend_); }
  void begin_closing() noexcept;
  void close_when_idle() noexcept;
  void wake_waiters() noexcept;
  void free_if_done() noexcept;
  void report(int error, const endpoint& about) noexcept;
  void report_too_long() noexcept;
  template <class Call>
  void call_handler(Call call) noexcept;
  void handler_threw(const char* what) noexcept;

  loop& loop_;
  datagram_options options_;
  socket_facts facts_;
  datagram_handler* handler_ = nullptr;

  own<io::receive_datagram_operation> receive_;
  own<io::close_operation> close_;
  own<timer> linger_;
  own<deferred> attend_;   ///< Once before the next kernel entry: deliver what waits, flush.
  own<deferred> starved_;  ///< Called when a buffer is free.

  std::deque<outgoing_datagram> entries_;  ///< They stay where they are.
  outgoing_datagram* free_ = nullptr;
  outgoing_queue queue_;
  outgoing_queue again_;
  std::uint32_t free_count_;
  std::uint32_t in_flight_count_ = 0;
  slot* copy_ = nullptr;  ///< Where the next copy goes.
  std::uint32_t copy_size_ = 0;

  kept_datagrams received_;
  std::error_code pending_error_;
  std::uint32_t too_long_count_ = 0;  ///< To be reported, not from inside `send`.
  endpoint too_long_to_;

  stream_waiter* receive_waiter_ = nullptr;
  stream_waiter* send_waiter_ = nullptr;
  datagram_state state_ = datagram_state::open;
  arm_reason arms_for_ = arm_reason::first;
  bool receiving_ = false;  ///< Somebody wants datagrams.
  bool paused_ = false;
  bool input_ended_ = false;
  bool full_ = false;  ///< The last attempt found the socket full.
  bool wants_room_ = false;
  bool abandoned_ = false;
  bool announced_ = false;  ///< The handler has been told of the end.
  bool silent_sends_;
  datagram_counters counters_;
};

}  // namespace myra
