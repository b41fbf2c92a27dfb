// Steps that follow each other without the loop in between: connect, then send; cancel, then close.
//
//   operation_chain steps = reactor.chain();
//   steps.connect(socket, address, size).send(socket, hello).with_deadline(1s);
//   auto begun = steps.start([](std::span<step_report> each) noexcept { ... });
//
// On io_uring all steps go to the kernel in one submission, whole or not at all, unless a thread of
// the kernel polls for them. Elsewhere each is begun when the one before has ended. The reports are
// the same.
//
// What a chain is not good for: the data path. A receive that brings less than was asked for does
// not break a link, so what follows works on a part of a message; multishot operations do not fit
// in; and a limit by the kernel (deadline_kind::linked) costs more than the loop's own timers.
//
// Thread: the reactor's.
#pragma once

#include <sys/socket.h>

#include <deque>
#include <functional>
#include <span>
#include <variant>
#include <vector>

#include "myra/core/error.hpp"
#include "myra/io/chain_link.hpp"
#include "myra/memory/buffer.hpp"
#include "myra/reactor/loop.hpp"

namespace myra {

/// What became of one step.
struct step_report {
  io::operation_kind kind = io::operation_kind::close;
  /// As the operation's own, or -ETIME: the deadline passed during this step. -ECANCELED: it was
  /// cancelled, or not begun since a step before it had failed.
  std::int32_t result = 0;
  buffer bytes;  ///< Of a receive.
};

/// Called once, from a turn, when the last step has ended.
using chain_callback = std::move_only_function<void(std::span<step_report> steps) noexcept>;

enum class deadline_kind : std::uint8_t {
  timer,   ///< One timer of the loop for the whole chain.
  linked,  ///< A limit to each step in the kernel, where it can; no turn of the loop is needed.
};

/// Owned by whoever builds it; stays where it is from `start` until the report. Built once, run
/// once.
class operation_chain {
 public:
  explicit operation_chain(loop& on) noexcept : loop_(on) {}
  operation_chain(const operation_chain&) = delete;
  operation_chain& operator=(const operation_chain&) = delete;
  ~operation_chain();

  /// Steps, in the order in which they are to happen. What is pointed to stays until the report,
  /// addresses excepted. Links are soft: a step begins when the one before has succeeded. A send
  /// succeeds when all has gone; a receive when it brought anything, or the end of the stream (0).
  operation_chain& connect(io::descriptor socket, const sockaddr* address, socklen_t size);
  template <class Endpoint>
    requires requires(const Endpoint& to) { to.address(); }
  operation_chain& connect(io::descriptor socket, const Endpoint& to) {
    return connect(socket, to.address(), to.size());
  }
  operation_chain& send(io::descriptor socket, byte_view bytes);
  operation_chain& receive(io::descriptor socket);
  operation_chain& shutdown(io::descriptor socket, int how = SHUT_WR);
  operation_chain& close(io::descriptor socket);
  /// Of an operation that was submitted before.
  operation_chain& cancel(io::operation& unwanted);
  /// The step that comes next begins even when the last one failed.
  operation_chain& whatever_happens();
  /// From `start`, for all steps together.
  operation_chain& with_deadline(duration time, deadline_kind kind = deadline_kind::timer);

  /// Begins. `done` may destroy the chain. Errors, and then nothing happens: invalid, when there is
  /// no step, or more than the submission queue has entries; the report says how many.
  [[nodiscard]] opened<void> start(chain_callback done);
  /// Ends the step that runs; soft-linked ones behind it do not begin. The report still comes.
  void cancel() noexcept;
  [[nodiscard]] bool running() const noexcept { return left_ != 0; }

 private:
  struct step;
  template <class Operation>
  struct own : Operation {
    explicit own(step& owner) noexcept : Operation(&own::ended), of(owner) {}
    static void ended(io::operation& completed, io::completion& what) noexcept;
    step& of;
  };
  struct step {
    template <class Operation>
    step(operation_chain& chain, std::in_place_type_t<Operation>)
        : owner(chain), held(std::in_place_type<own<Operation>>, *this) {}

    [[nodiscard]] io::operation& operation() noexcept;

    operation_chain& owner;
    std::variant<own<io::connect_operation>, own<io::send_operation>, own<io::receive_operation>,
                 own<io::shutdown_operation>, own<io::close_operation>, own<io::cancel_operation>>
        held;
    own<io::link_timeout_operation> limit{*this};
    sockaddr_storage address{};
    std::uint32_t least = 0;  ///< A result below it is a failure.
    io::link to_next = io::link::soft;
    bool cut = false;  ///< The deadline has passed, and this step was running.
    bool over = false;
    step_report report;
  };
  struct alarm : timer {
    explicit alarm(operation_chain& chain) noexcept : timer(&alarm::rang), owner(chain) {}
    static void rang(timer& fired) noexcept { static_cast<alarm&>(fired).owner.time_out(); }
    operation_chain& owner;
  };
  struct retry : deferred {
    explicit retry(operation_chain& chain) noexcept : deferred(&retry::called), owner(chain) {}
    static void called(deferred& again) noexcept {
      static_cast<retry&>(again).owner.submit_linked();
    }
    operation_chain& owner;
  };

  template <class Operation>
  own<Operation>& add();
  [[nodiscard]] bool limited_by_kernel() const noexcept;
  [[nodiscard]] std::size_t entry_count() const noexcept;
  void submit_linked() noexcept;
  void submit_next() noexcept;
  void skip_from(std::size_t first) noexcept;
  void step_ended(step& which, io::completion& what) noexcept;
  void limit_ended(step& which, int result) noexcept;
  void report_if_over() noexcept;
  void time_out() noexcept;
  void stop_running() noexcept;
  [[nodiscard]] step* first_running() noexcept;

  loop& loop_;
  std::deque<step> steps_;
  chain_callback done_;
  duration deadline_ = duration::zero();
  deadline_kind deadline_kind_ = deadline_kind::timer;
  alarm alarm_{*this};
  retry retry_{*this};
  std::size_t next_ = 0;  ///< To be submitted, where the backend does not link.
  std::size_t left_ = 0;  ///< Operations that have not ended, limits among them.
  bool linked_ = false;
  bool stopping_ = false;
  bool timed_out_ = false;
};

}  // namespace myra
