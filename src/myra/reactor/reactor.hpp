// The reactor: where connections, timers and handlers run.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "myra/core/error.hpp"
#include "myra/core/result.hpp"
#include "myra/reactor/loop.hpp"
#include "myra/reactor/options.hpp"

namespace myra {

class operation_chain;

struct shutdown_options {
  /// How long connections may take to send what they hold after the signal; then they are cut.
  duration drain_deadline = std::chrono::seconds(5);
  /// Called when the signal has come, before this reactor drains: `stop` those of other threads
  /// here, so that all drain at the same time.
  std::function<void()> on_drain = {};
};

/// Movable handle; the loop that it owns stays where it is. Everything on it happens on the thread
/// that opened it, `post` and `stop` excepted. Listeners and connections must be gone before it is
/// destroyed; what is still open then is cut, and the destructor waits until the kernel has let go
/// of all of it.
class reactor {
 public:
  /// Errors: invalid (the report names the field, what was found and what is allowed),
  /// permission_denied, unsupported or resource_exhausted when a backend was asked for by name and
  /// cannot be had.
  [[nodiscard]] static opened<reactor> open(const reactor_options& options = {});
  reactor(reactor&&) noexcept;
  reactor& operator=(reactor&&) noexcept;
  ~reactor();

  /// Turns until `stop`. Errors: the kernel took the backend away.
  [[nodiscard]] result<void> run();
  /// One turn that waits `wait` at most (not at all: zero). For a foreign loop: poll `descriptor`
  /// for reading, until `next_deadline` at the longest, and call this with zero.
  [[nodiscard]] result<void> run_once(duration wait);
  /// Turns until SIGINT or SIGTERM (signalfd(2); the signals are blocked in the calling thread
  /// meanwhile, so call it before starting threads that do not block them) or `stop`, then drains.
  /// Returns an exit status: 0, or 1 when connections were cut at the deadline or the backend
  /// failed.
  [[nodiscard]] int run_until_signal(const shutdown_options& options = {});
  /// Stops accepting, lets connections send what they hold and close, and cuts the rest at the
  /// deadline. True: nothing was cut. False: the log says whether that or the backend's failure
  /// ended it.
  [[nodiscard]] bool drain(duration deadline);
  /// Ends `run`, or has `run_until_signal` drain, after its present turn. Any thread; the reactor
  /// must not be destroyed before this has returned, which it may after `run` has.
  void stop() noexcept;

  /// Runs `call` on the reactor's thread. Any thread. A call that is not accepted is dropped unrun.
  [[nodiscard]] post_status post(posted_call call);

  [[nodiscard]] io::backend_kind backend() const noexcept;
  [[nodiscard]] const std::string& reason() const noexcept;
  [[nodiscard]] int descriptor() const noexcept;
  /// Of the ring, for `ring.submission_polling.share_with` of another reactor; -1 on epoll.
  [[nodiscard]] int ring_descriptor() const noexcept;
  [[nodiscard]] time_point next_deadline() const noexcept;
  [[nodiscard]] time_point now() const noexcept;
  [[nodiscard]] loop_counters counters() const noexcept;
  /// The same for other threads, as of the end of the last turn, and the histograms
  /// (counter_board.hpp). Null unless the options ask for it (publish_counters, latency). It may be
  /// kept when the reactor is gone.
  [[nodiscard]] std::shared_ptr<const counter_board> board() const noexcept;
  /// A whole free buffer of this reactor's pool, to fill and to send; empty at the pool's limit.
  [[nodiscard]] buffer acquire() noexcept;

  /// Steps that follow each other without the loop in between (myra/reactor/chain.hpp).
  [[nodiscard]] operation_chain chain() noexcept;

  /// For the layers above.
  [[nodiscard]] loop& internals() noexcept;

 private:
  struct parts;
  explicit reactor(std::unique_ptr<parts> owned) noexcept;
  std::unique_ptr<parts> parts_;
};

}  // namespace myra
