// The loop under a reactor: one thread, one backend, one pool. The transport is written against
// this class; users see `myra::reactor`.
//
// One turn: what handlers deferred (flushing send queues), then one kernel entry that submits
// everything and waits, then all completions, timers, and the inbox.
//
// Thread: all on the loop's thread, the one that opened it, but for `post` and `wake`.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "myra/core/cache_line.hpp"
#include "myra/core/intrusive_list.hpp"
#include "myra/core/log.hpp"
#include "myra/io/backend.hpp"
#include "myra/memory/buffer_pool.hpp"
#include "myra/reactor/arm_reason.hpp"
#include "myra/reactor/inbox.hpp"
#include "myra/reactor/options.hpp"
#include "myra/reactor/timer_wheel.hpp"

namespace myra {

class counter_board;
class watchdog;
struct deferred_tag;

/// Something to be called once before the next kernel entry, or when a buffer is free again. In one
/// list at a time.
class deferred : public list_node<deferred_tag> {
 public:
  using callback = void (*)(deferred& called) noexcept;
  explicit deferred(callback on_call) noexcept : on_call_(on_call) {}
  ~deferred() { unlink(); }
  void call() noexcept { on_call_(*this); }

 private:
  callback on_call_;
};

struct drainable_tag;

/// Something that takes part in a drain: a listener stops accepting, a set of connections closes.
class drainable : public list_node<drainable_tag> {
 public:
  virtual ~drainable() { unlink(); }
  /// Begins to end; called once.
  virtual void drain() noexcept = 0;
  /// Ends now, whatever is lost.
  virtual void cut() noexcept = 0;
  /// Nothing is left and nothing is in flight.
  [[nodiscard]] virtual bool drained() const noexcept = 0;
  /// Buffers are waited for and few are left: ends what holds half its share of them or more and
  /// has got nowhere since `since`, but for `only_waiter`, which nobody else has to wait for.
  virtual void relieve(time_point /*since*/, const deferred* /*only_waiter*/) noexcept {}
};

/// Where the buffers of the reactor's pool are, at present. The sum is all that there are.
struct buffer_states {
  std::uint64_t free = 0;
  std::uint64_t in_ring = 0;    ///< With the kernel, for receives to come.
  std::uint64_t in_flight = 0;  ///< With the kernel otherwise: sends, and receives of epoll.
  std::uint64_t lent = 0;       ///< Lent to a handler that runs.
  std::uint64_t detached = 0;   ///< The application's, or in a connection's queue.
};

/// Counted since the loop opened. Written by its thread; other threads read a counter_board.
struct loop_counters {
  io::backend_counters backend;
  std::uint64_t kernel_entries = 0;  ///< All system calls: the backend's and those on sockets.
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_copied = 0;  ///< Payload that Myra itself copied.
  std::uint64_t posts = 0;
  std::uint64_t timers_fired = 0;
  std::uint64_t stalls = 0;  ///< Turns whose handlers ran longer than the threshold.
  std::uint64_t handler_exceptions = 0;
  std::uint64_t buffer_waits = 0;  ///< Connections that had to wait for a free buffer.
  std::uint64_t hold_backs = 0;    ///< Times that one was back-pressured before its mark.
  std::uint64_t buffer_cuts = 0;   ///< Those ended for holding buffers that others waited for.
  std::uint64_t sends = 0;         ///< Send operations; one may carry many messages.
  arms_by_reason<std::uint64_t> receive_arms;
  arms_by_reason<std::uint64_t> accept_arms;
  std::uint64_t accepted = 0;
  std::uint64_t accept_errors = 0;  ///< Those that pass; and of these, that made it pause:
  std::uint64_t accept_back_offs = 0;
  std::uint64_t connections_opened = 0;  ///< Accepted and made.
  std::uint64_t connections_closed = 0;
  buffer_states buffers;
  zero_copy_counters zero_copy;
};

class alignas(cache_line_size) loop {
 public:
  [[nodiscard]] static opened<std::unique_ptr<loop>> open(const reactor_options& options);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  [[nodiscard]] io::backend& backend() noexcept { return *backend_; }
  [[nodiscard]] buffer_pool& pool() noexcept { return *pool_; }
  /// Of large buffers, for receives that ask for them; null: there are none.
  [[nodiscard]] buffer_pool* large_pool() noexcept { return large_pool_.get(); }
  [[nodiscard]] timer_wheel& timers() noexcept { return timers_; }
  /// The clock when the last wait ended; one read a turn.
  [[nodiscard]] time_point now() const noexcept { return now_; }
  [[nodiscard]] const log_sink& log() const noexcept { return options_.log; }
  [[nodiscard]] const reactor_options& options() const noexcept { return options_; }
  /// Why this backend was chosen.
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }
  /// To be added to by the layers above.
  [[nodiscard]] loop_counters& tally() noexcept { return tally_; }
  [[nodiscard]] loop_counters counters() const noexcept;

  /// For other threads; null unless options ask for it (publish_counters, latency).
  [[nodiscard]] std::shared_ptr<const counter_board> board() const noexcept { return board_; }
  /// Whether `time_message` is to be called when a handler is done with a message of this turn.
  [[nodiscard]] bool times_messages() const noexcept { return times_messages_; }
  void time_message() noexcept;

  /// Calls `task` once before the next kernel entry.
  void defer(deferred& task) noexcept {
    if (!task.linked()) deferred_.push_back(task);
  }
  /// Calls `task` once when a buffer is free.
  void await_buffer(deferred& task) noexcept;
  /// Less than half of the ordinary buffers is left, but for what the kernel and other threads
  /// have.
  [[nodiscard]] bool buffers_may_be_few() const noexcept {
    return pool_->obtainable_count() < pool_->slot_count_max() / 2;
  }
  /// Of the ordinary buffers, with those that lie ready for the kernel.
  [[nodiscard]] std::uint32_t buffers_left() const noexcept {
    return pool_->obtainable_count() + backend_->ready_buffer_count();
  }
  [[nodiscard]] bool buffers_are_short() const noexcept { return !starved_.empty(); }
  /// From inside such a call: the buffer was not needed any more, so that the next in line is
  /// called.
  void pass_on_buffer() noexcept { ++to_feed_; }

  /// Somebody is interested in a silent operation that is submitted. If the wait that carries it
  /// out is still to come it does not sleep, since the end of a silent operation wakes nobody.
  void hasten() noexcept { hastened_ = hastened_ || preparing_; }

  /// Any thread.
  [[nodiscard]] post_status post(posted_call& call);
  void wake() noexcept { backend_->wake(); }

  /// Has `member` take part in drains until it unlinks itself.
  void enlist(drainable& member) noexcept { drainables_.push_back(member); }
  void drain() noexcept;
  void cut() noexcept;
  [[nodiscard]] bool drained() noexcept;

  /// What the transport keeps for each loop: made once, by the first that needs it, destroyed with
  /// the loop.
  [[nodiscard]] drainable* transport() noexcept { return transport_.get(); }
  void set_transport(std::unique_ptr<drainable> made) noexcept;

  /// To be called before the first of a row of turns: what its thread did since the last one was
  /// not the loop's work.
  void begin_turns() noexcept;
  /// The reverse: the row is over, and what its thread does next is not the loop's work.
  void end_turns() noexcept;
  /// One turn that waits until `deadline` at most, and no longer than the next timer.
  [[nodiscard]] result<void> turn(time_point deadline) noexcept;
  /// The two halves of a turn, for who does the waiting himself (world.hpp): until when `wait`
  /// would be asked to wait, and what follows it.
  [[nodiscard]] time_point before_wait(time_point deadline) noexcept;
  void after_wait() noexcept;
  /// Turns without waiting until nothing is left that only a turn would carry on; at most a fixed
  /// number of times, after which what is left makes the backend's descriptor readable.
  [[nodiscard]] result<void> settle() noexcept;

 private:
  loop(const reactor_options& options, buffer_pool::owner pool, buffer_pool::owner large_pool,
       std::unique_ptr<io::backend> backend, std::string reason);
  void run_deferred() noexcept;
  void feed_waiters() noexcept;
  void feed_before_wait() noexcept;
  void look_at_shortage() noexcept;
  /// Brings the clock up to date if handlers took their time, and reports when they took too much.
  void note_work() noexcept;
  /// How long this turn's work has lasted; noted when there was any.
  [[nodiscard]] duration time_turn() noexcept;

  reactor_options options_;
  std::string reason_;
  buffer_pool::owner pool_;
  buffer_pool::owner large_pool_;
  std::unique_ptr<io::backend> backend_;
  timer_wheel timers_;
  inbox inbox_;
  intrusive_list<deferred, deferred_tag> deferred_;
  intrusive_list<deferred, deferred_tag> starved_;
  intrusive_list<drainable, drainable_tag> drainables_;
  std::unique_ptr<drainable> transport_;
  time_point now_;
  bool preparing_ = false;  ///< The wait that carries out what is submitted now is still to come.
  bool hastened_ = false;
  std::uint64_t fed_count_ = 0;  ///< The pool's returned_count when waiters were last fed.
  std::uint64_t to_feed_ = 0;    ///< While they are fed: how many more.
  /// How many more may be fed before the kernel is entered: no more than the ring has buffers, so
  /// that they are served in the order in which they wait.
  std::uint64_t feed_room_ = 0;
  std::uint64_t sends_seen_ = 0;  ///< How many were submitted before the kernel was last entered.
  struct shortage_timer : timer {
    explicit shortage_timer(loop& owner) noexcept;
    loop& self;
  };
  shortage_timer shortage_timer_{*this};  ///< Armed when somebody waits for a buffer.
  loop_counters tally_;
  std::unique_ptr<watchdog> watchdog_;
  std::shared_ptr<counter_board> board_;
  bool times_turns_ = false;
  bool times_messages_ = false;
  std::uint64_t work_seen_ = 0;  ///< What had been done when a turn was last timed.
};

}  // namespace myra
