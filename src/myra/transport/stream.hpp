// What stands behind a connection: its operations, its queues and its state machine (drawn in
// connection.hpp).
//
// Lives in the loop's stream_table at one address until it is closed, nothing of it is in flight
// and nobody holds it. Thread: all on the loop's thread.
#pragma once

#include <cstdint>
#include <memory>

#include "myra/core/flag_set.hpp"
#include "myra/core/intrusive_list.hpp"
#include "myra/io/error_table.hpp"
#include "myra/io/operation.hpp"
#include "myra/reactor/loop.hpp"
#include "myra/transport/connection.hpp"
#include "myra/transport/receive_policy.hpp"
#include "myra/transport/zero_copy_policy.hpp"

namespace myra {

class stream_table;
struct send_vector;
struct zero_copy_send;
struct stream_tag;

/// Somebody who waits for a stream, a coroutine or a blocking call; woken once, on the loop's
/// thread.
struct stream_waiter {
  void (*wake)(stream_waiter& woken) noexcept = nullptr;
};

/// Told when a stream is gone, for the count of a listener.
class stream_parent {
 public:
  virtual void stream_ended() noexcept = 0;

 protected:
  ~stream_parent() = default;
};

/// Slots in a row, linked through themselves.
struct slot_queue {
  slot* first = nullptr;
  slot* last = nullptr;
  std::uint32_t count = 0;

  [[nodiscard]] bool empty() const noexcept { return first == nullptr; }
  void push(slot& added) noexcept {
    added.next = nullptr;
    (first == nullptr ? first : last->next) = &added;
    last = &added;
    ++count;
  }
  [[nodiscard]] slot& pop() noexcept {
    slot& taken = *first;
    first = taken.next;
    --count;
    if (first == nullptr) last = nullptr;
    return taken;
  }
  /// Puts `front` before what is here and empties it.
  void prepend(slot_queue& front) noexcept {
    if (front.empty()) return;
    front.last->next = first;
    if (first == nullptr) last = front.last;
    first = front.first;
    count += front.count;
    front = {};
  }
};

/// Sets the options that are the kernel's; zero, or the first error. What a listening socket has is
/// inherited by what it accepts (tcp(7), socket(7)).
int apply(const connection_options& options, io::network& sockets, io::descriptor socket) noexcept;

/// The rest: Unix sockets inherit no sizes of buffers.
void apply_to_accepted(int family, const connection_options& options, io::network& sockets,
                       io::descriptor socket) noexcept;

/// The same, but for what cannot be had on sockets of `family`: on Unix sockets a multishot receive
/// may sleep over the end of the stream when it came before the last bytes were taken (Linux 6.17
/// and newer, whose count of unread bytes, SO_INQ, leaves out the end; TCP's includes it).
[[nodiscard]] connection_options fit_for(int family, connection_options options) noexcept;

class stream final : public list_node<stream_tag> {
 public:
  /// Takes over a connected socket. Nothing is received before `begin`, `set_handler` or the first
  /// wait.
  stream(stream_table& table, io::descriptor socket, const connection_options& options,
         std::uint64_t generation) noexcept;
  ~stream();

  /// A connection over a socket that has just connected; the socket is closed on errors:
  /// not_enough_memory.
  [[nodiscard]] static result<connection> connected(loop& runs, io::descriptor socket,
                                                    const connection_options& options) noexcept;
  /// The owner of this stream; one at a time.
  [[nodiscard]] connection owner() noexcept {
    assert(!held_);
    held_ = true;
    return connection(this);
  }

  /// Callbacks from now on; `owned` keeps the handler alive if there is one to be kept.
  void begin(connection_handler& handler, std::unique_ptr<connection_handler> owned) noexcept;
  void set_handler(connection_handler& handler) noexcept;
  void set_parent(stream_parent& parent) noexcept { parent_ = &parent; }
  /// Lends the connection to `call`, which may keep it by moving it out (stream_call.hpp).
  template <class Call>
  void lend(Call&& call) noexcept;
  /// The owner is gone.
  void let_go() noexcept;

  sent send(buffer&& bytes) noexcept;
  sent send(buffer&& bytes, send_options options) noexcept;
  sent send_copy(byte_view bytes) noexcept;
  void half_close() noexcept;
  void close() noexcept;
  void abort() noexcept;
  void pause_receive() noexcept;
  void resume_receive() noexcept;
  /// No more input for the application, as if the peer had ended.
  void end_input() noexcept;
  /// The loop drains: the handler decides what that means; for a coroutine it is the end of the
  /// input.
  void drain() noexcept;
  /// Ends with `why`, dropping what is queued.
  void fail(std::error_code why) noexcept;
  /// Which call of the kernel it was that ended it, where one did.
  [[nodiscard]] io::failing_call failed_call() const noexcept { return failed_call_; }

  /// Moves the next received buffer out. False: nothing is there now. When nothing will come any
  /// more, `ended()`.
  [[nodiscard]] bool take_received(buffer& out) noexcept;
  [[nodiscard]] bool ended() const noexcept {
    return input_ended() || state_ >= connection_state::draining;
  }
  /// Why nothing comes or goes any more: end_of_stream, closed, or the error.
  [[nodiscard]] std::error_code end_reason() const noexcept;
  /// One waiter each; null: nobody.
  void wait_receive(stream_waiter* waiter) noexcept;
  void wait_send(stream_waiter* waiter) noexcept;
  [[nodiscard]] stream_waiter* receive_waiter() const noexcept { return receive_waiter_; }
  [[nodiscard]] stream_waiter* send_waiter() const noexcept { return send_waiter_; }

  /// See connection::expect_within.
  void expect_within(duration limit) noexcept;
  void expect_nothing() noexcept { due_ = never; }

  /// Its options' watcher is told that it has begun.
  void announce_open() noexcept { tell_watcher(connection_state::closed); }
  [[nodiscard]] connection_state state() const noexcept { return state_; }
  [[nodiscard]] bool can_send() const noexcept { return queued_bytes_ < accepts_below_; }
  [[nodiscard]] std::uint32_t queued_bytes() const noexcept { return queued_bytes_; }
  /// Its present send has not completed since then, or the peer acknowledged nothing of what the
  /// kernel holds.
  [[nodiscard]] bool stalled_since(time_point since) const noexcept;
  /// Of the reactor's pool, what waits on it: to be sent, or to be taken by the application.
  [[nodiscard]] std::uint64_t held_bytes() const noexcept;
  [[nodiscard]] bool waits_as(const deferred* in_line) const noexcept {
    return in_line == &starved_;
  }
  /// Time has passed since it was held back, if it was.
  void look_at_hold_back() noexcept;
  /// Others want its buffers: ends with a reset, so that the kernel keeps nothing either.
  void evict() noexcept;
  [[nodiscard]] const connection_counters& counters() const noexcept { return counters_; }
  [[nodiscard]] io::descriptor descriptor() const noexcept { return receive_.descriptor; }
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  [[nodiscard]] loop& runs_on() const noexcept { return loop_; }
  [[nodiscard]] const connection_options& options() const noexcept { return options_; }

 private:
  /// Why something has to follow the end of the present send or of the next one, so that it is not
  /// silent.
  enum class send_need : std::uint8_t {
    end = 1,       ///< Always: our end is near, or the feature is off.
    poll = 2,      ///< The last attempt found the socket full.
    room = 4,      ///< send() said back_pressured.
    progress = 8,  ///< Since send_began_.
    share = 16,    ///< It is held back until it holds less than its share.
  };
  /// Why received bytes are not for the handler.
  enum class input_state : std::uint8_t {
    paused = 1,    ///< By the application, for now.
    ended = 2,     ///< The peer's end, or a drain's.
    unwanted = 4,  ///< The state is draining, or beyond.
  };

  template <class Base>
  struct own : Base {
    own(stream& owner, auto on_event) noexcept : Base(on_event), self(owner) {}
    stream& self;
  };

  // Receiving (stream_receive.cpp).
  static void on_receive_complete(io::operation& completed, io::completion& what) noexcept;
  /// The same, where the loop times messages.
  static void on_timed_receive_complete(io::operation& completed, io::completion& what) noexcept;
  void received(buffer& bytes) noexcept;
  void keep_received(buffer& bytes) noexcept;
  void take_receive_result(io::completion& what) noexcept;
  void lend_to_handler(buffer& bytes) noexcept;
  void received_none(std::int32_t outcome) noexcept;
  void receive_failed(std::int32_t outcome) noexcept;
  void note_traffic(std::int32_t received_size) noexcept;
  [[nodiscard]] bool arms_multishot() const noexcept;
  [[nodiscard]] bool received_is_full() const noexcept {
    return received_bytes_ >= options_.receive_high_water_bytes ||
           received_count_ >= options_.receive_high_water_buffers;
  }
  void drop_received() noexcept;
  void deliver_queued() noexcept;
  void arm_receive() noexcept;
  [[nodiscard]] bool shares_buffers() const noexcept;
  void wait_in_line() noexcept;
  void announce_end() noexcept;
  [[nodiscard]] bool wants_bytes() const noexcept;
  /// Something is left for deliver_queued.
  [[nodiscard]] bool undelivered() const noexcept {
    return !received_.empty() || (input_ended() && !end_announced_);
  }

  // Sending (stream_send.cpp).
  static void on_send_complete(io::operation& completed, io::completion& what) noexcept;
  [[nodiscard]] bool sending_open() const noexcept { return accepts_below_ != 0; }
  /// Our end is near: nothing more is taken to be sent, and what goes is waited for.
  void stop_accepting() noexcept {
    accepts_below_ = 0;
    awaited_.remove(send_need::share);
    awaited_.add(send_need::end);
  }
  [[nodiscard]] bool paused() const noexcept { return input_.has(input_state::paused); }
  [[nodiscard]] bool input_ended() const noexcept { return input_.has(input_state::ended); }
  void stop_delivering() noexcept { input_.add(input_state::unwanted); }
  [[nodiscard]] sent refuse(buffer* unsent_buffer, byte_view unsent_bytes) noexcept;
  [[nodiscard]] sent send_none(buffer& bytes) noexcept;
  [[nodiscard]] bool has_slots_for(std::uint32_t size) noexcept;
  void enqueue(slot& added, zero_copy_mode wish = zero_copy_mode::automatic) noexcept {
    added.wish = static_cast<std::uint8_t>(wish);
    queued_bytes_ += added.size;
    queue_.push(added);
    if (send_.idle())
      loop_.defer(attend_);
    else if (send_.silent)
      loop_.hasten();  // its end starts what is queued now, and must not be slept over
    else if (loop_.buffers_may_be_few()) [[unlikely]]
      hold_back_if_greedy();
  }
  [[nodiscard]] bool held_back() const noexcept { return awaited_.has(send_need::share); }
  void hold_back_if_greedy() noexcept;
  void let_on_if_modest() noexcept;
  [[nodiscard]] bool is_greedy() const noexcept;
  void flush() noexcept;
  void submit_send() noexcept;
  void gather(io::send_operation& into, slot_queue& taken, send_vector*& vector) noexcept;
  void take_send_result(std::int32_t result) noexcept;
  void count_sent(std::uint32_t bytes) noexcept {
    queued_bytes_ -= bytes;
    counters_.bytes_sent += bytes;
    loop_.tally().bytes_sent += bytes;
  }
  void take_back(slot_queue& from, std::uint32_t sent_bytes) noexcept;
  static void release_sent(slot_queue& sent) noexcept;
  [[nodiscard]] std::uint64_t pool_bytes(const slot_queue& in) const noexcept;
  [[nodiscard]] std::uint64_t unsent_pool_bytes() const noexcept;
  void drop_queue(slot_queue& queue) noexcept;
  /// Nothing is to be sent any more behind what has been.
  [[nodiscard]] bool last_is_sent() const noexcept {
    return (half_close_asked_ || state_ == connection_state::draining) && queue_.empty() &&
           zero_copy_ == nullptr;
  }
  void go_on_sending() noexcept {
    if (held_back()) let_on_if_modest();
    if (!queue_.empty())
      loop_.defer(attend_);
    else if (last_is_sent())
      sending_done();
    if (awaited_.has(send_need::room)) tell_of_room();
  }
  /// Whether there was somebody to be told.
  bool tell_of_room() noexcept;
  void expect_send_progress() noexcept;
  void stop_send_time() noexcept {
    send_began_ = never;
    awaited_.remove(send_need::progress);
  }

  // Sending without a copy (stream_zero_copy.cpp).
  static void on_zero_copy_complete(io::operation& completed, io::completion& what) noexcept;
  [[nodiscard]] bool flush_zero_copy() noexcept;
  [[nodiscard]] bool grant_zero_copy(zero_copy_policy::answer answer) noexcept;
  [[nodiscard]] static bool nobody_waits_elsewhere(const slot_queue& sent) noexcept;
  [[nodiscard]] std::uint32_t next_send_size() const noexcept;
  void begin_zero_copy(zero_copy_send& send) noexcept;
  void take_zero_copy_result(zero_copy_send& send, std::int32_t result) noexcept;
  [[nodiscard]] bool zero_copy_failed(std::int32_t result) noexcept;
  void end_zero_copy(zero_copy_send& send) noexcept;
  /// From how many queued bytes on flush() has something to decide.
  void set_zero_copy_from() noexcept {
    zero_copy_from_ = zero_copy_ != nullptr || wished_ ? 0 : policy_.from();
  }
  [[nodiscard]] bool zero_copy_on_its_way() const noexcept;

  // The end (stream.cpp).
  void fail(std::int32_t result, io::failing_call which) noexcept;
  static void on_shutdown_complete(io::operation& completed, io::completion& what) noexcept;
  static void on_close_complete(io::operation& completed, io::completion& what) noexcept;
  static void on_timer(timer& fired) noexcept;
  static void on_attend(deferred& called) noexcept;
  void attend() noexcept;
  void attend_the_end() noexcept;
  void enter(connection_state next) noexcept;
  void tell_watcher(connection_state from) noexcept;
  [[nodiscard]] bool used() const noexcept {
    return (counters_.bytes_received | counters_.bytes_sent) != 0;
  }
  /// How long nothing may come or go at present; zero: for ever.
  [[nodiscard]] duration idle_limit() const noexcept;
  static void on_buffer_free(deferred& called) noexcept;
  void attend_soon() noexcept { loop_.defer(attend_); }
  void sending_done() noexcept;
  void both_ended() noexcept;
  void await_peer_end() noexcept;
  void begin_closing() noexcept;
  void close_in_order() noexcept;
  void reset_at_close() noexcept;
  void expect_acknowledgement() noexcept;
  void close_when_idle() noexcept;
  void wake_waiters() noexcept;
  void wake_send_waiter() noexcept;
  void finish() noexcept;
  void announce_close() noexcept;
  /// To a handler that was set after the end.
  void announce_close_late() noexcept;
  void free_if_done() noexcept;
  [[nodiscard]] bool has_nearer_limit(time_point now) const noexcept;
  [[nodiscard]] bool waits_for_program() const noexcept;
  void check_deadlines() noexcept;
  [[nodiscard]] time_point next_deadline() const noexcept;
  template <class Call>
  void call_handler(Call call) noexcept;
  void handler_threw(const char* what) noexcept;

  stream_table& table_;
  loop& loop_;
  connection_options options_;
  connection_handler* handler_ = nullptr;
  std::unique_ptr<connection_handler> owned_handler_;
  stream_parent* parent_ = nullptr;
  std::uint64_t generation_;

  own<io::receive_operation> receive_;
  own<io::send_operation> send_;
  own<io::shutdown_operation> shutdown_;
  own<io::close_operation> close_;
  own<timer> timer_;
  own<deferred> attend_;   ///< Once before the next kernel entry: deliver what waits, flush.
  own<deferred> starved_;  ///< Called when a buffer is free.

  slot_queue queue_;     ///< To be sent, the application's no more.
  slot_queue in_send_;   ///< In the kernel's hands, while send_ is.
  slot_queue received_;  ///< Received, not yet taken by the application.
  send_vector* vector_ = nullptr;
  /// The zero-copy send in whose place no other may begin: its result is to come, or it was short
  /// and waits for its slots.
  zero_copy_send* zero_copy_ = nullptr;
  stream_waiter* receive_waiter_ = nullptr;
  stream_waiter* send_waiter_ = nullptr;

  std::uint32_t queued_bytes_ = 0;    ///< In queue_ and in_send_.
  std::uint32_t accepts_below_;       ///< So many queued; 0 when nothing more is to be sent.
  std::uint32_t received_bytes_ = 0;  ///< In received_.
  std::uint32_t received_count_ = 0;
  receive_traffic traffic_;
  std::uint32_t zero_copy_from_;
  std::uint32_t zero_copy_held_ = 0;  ///< Zero-copy sends of which the kernel holds bytes.
  std::uint32_t zero_copy_held_bytes_ = 0;
  std::uint64_t zero_copy_pool_bytes_ = 0;  ///< The same in slots of the reactor's pool.
  time_point zero_copy_moved_ = never;      ///< When the kernel last took some, or let go of some.
  zero_copy_policy policy_;
  std::uint32_t tail_room_ =
      0;  ///< Free bytes behind the window of the queue's last slot, for the next copy.
  connection_state state_ = connection_state::open;
  arm_reason arms_for_ = arm_reason::first;  ///< Why the next receive will be armed.
  io::failing_call failed_call_ = io::failing_call::receive;
  flag_set<send_need> awaited_;
  flag_set<input_state> input_;
  bool held_ = false;  ///< By an owner, or lent.
  bool receiving_ : 1 =
      false;  ///< Somebody wants bytes: a handler, or a coroutine that once asked.
  bool peer_ended_ : 1 = false;  ///< The peer's end.
  bool end_announced_ : 1 = false;
  bool more_to_read_ : 1 = false;
  bool finished_ : 1 = false;
  bool half_close_asked_ : 1 = false;
  bool fin_sent_ : 1 = false;
  bool wished_ : 1 = false;              ///< A send came with a wish.
  bool closes_when_let_go_ : 1 = false;  ///< When the kernel holds no bytes any more.
  std::error_code why_;
  time_point last_activity_;
  time_point send_began_ = never;
  time_point linger_end_ = never;
  time_point due_ = never;  ///< When what the peer owes has to be here.
  connection_counters counters_;
};

}  // namespace myra
