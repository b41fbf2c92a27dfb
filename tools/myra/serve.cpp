#include "serve.hpp"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <future>
#include <list>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "myra/config/console.hpp"

namespace myra::tool {
namespace {

struct ending {
  int status = 0;
  loop_counters counters;
  listener_counters accepts;
};

/// One reactor with its listener and its handler, all of one thread.
class station {
 public:
  static opened<std::unique_ptr<station>> open(const config::options& options,
                                               const handler_maker& make_handler) {
    auto on = reactor::open(options.reactor);
    if (!on) return std::unexpected(std::move(on.error()));
    auto from = listener::open(*on, options.listener);
    if (!from) {
      from.error().what += " (another --listen address may do; port 0 lets the kernel choose)";
      return std::unexpected(std::move(from.error()));
    }
    return std::make_unique<station>(std::move(*on), std::move(*from), options.shutdown,
                                     make_handler);
  }

  station(reactor on, listener from, shutdown_options shutdown, const handler_maker& make_handler)
      : reactor_(std::move(on)), listener_(std::move(from)), shutdown_(std::move(shutdown)) {
    handler_ = make_handler(reactor_);
    listener_.serve(*handler_);
  }

  [[nodiscard]] const listener& listens() const noexcept { return listener_; }
  [[nodiscard]] const reactor& runs_on() const noexcept { return reactor_; }
  /// Has `run` and `run_until_signal` begin to drain. Any thread.
  void stop() noexcept { reactor_.stop(); }

  /// Serves until a signal or `stop`, calls `on_drain`, drains.
  ending run_until_signal(std::function<void()> on_drain) {
    shutdown_.on_drain = std::move(on_drain);
    return ended(reactor_.run_until_signal(shutdown_) == 0);
  }

  /// Serves until `stop`, then drains. `on_failure` is called if the backend fails.
  ending run(const std::function<void()>& on_failure) {
    const bool ran = reactor_.run().has_value();
    if (!ran) on_failure();
    return ended(ran && reactor_.drain(shutdown_.drain_deadline));
  }

 private:
  [[nodiscard]] ending ended(bool well) const {
    return {well ? 0 : 1, reactor_.counters(), listener_.counters()};
  }

  // Connections lead to the handler, so that it goes last.
  std::unique_ptr<connection_handler> handler_;
  reactor reactor_;
  listener listener_;
  shutdown_options shutdown_;
};

void add(loop_counters& sum, const loop_counters& part) noexcept {
  sum.kernel_entries += part.kernel_entries;
  sum.backend.submissions += part.backend.submissions;
  sum.backend.completions += part.backend.completions;
  sum.backend.late_completions += part.backend.late_completions;
  sum.backend.overflows += part.backend.overflows;
  sum.backend.no_buffer += part.backend.no_buffer;
  sum.backend.silent_sends += part.backend.silent_sends;
  sum.backend.direct_opened += part.backend.direct_opened;
  sum.backend.direct_full += part.backend.direct_full;
  sum.backend.direct_lost += part.backend.direct_lost;
  sum.backend.direct_installed += part.backend.direct_installed;
  sum.messages_received += part.messages_received;
  sum.bytes_received += part.bytes_received;
  sum.bytes_sent += part.bytes_sent;
  sum.bytes_copied += part.bytes_copied;
  sum.stalls += part.stalls;
  sum.handler_exceptions += part.handler_exceptions;
  sum.buffer_waits += part.buffer_waits;
}

void print_stats(const std::vector<ending>& endings) {
  loop_counters sum;
  listener_counters accepts;
  for (const ending& part : endings) {
    add(sum, part.counters);
    accepts.accepted += part.accepts.accepted;
    accepts.transient_errors += part.accepts.transient_errors;
    accepts.back_offs += part.accepts.back_offs;
  }
  json_writer json;
  json.begin_object().number("threads", endings.size());
  json.number("accepted", accepts.accepted).number("accept_errors", accepts.transient_errors);
  json.number("accept_back_offs", accepts.back_offs).number("kernel_entries", sum.kernel_entries);
  json.number("messages", sum.messages_received).number("bytes_received", sum.bytes_received);
  json.number("bytes_sent", sum.bytes_sent).number("bytes_copied", sum.bytes_copied);
  json.number("submissions", sum.backend.submissions);
  json.number("completions", sum.backend.completions);
  json.number("late_completions", sum.backend.late_completions);
  json.number("overflows", sum.backend.overflows).number("no_buffer", sum.backend.no_buffer);
  json.number("silent_sends", sum.backend.silent_sends).number("buffer_waits", sum.buffer_waits);
  json.number("direct_opened", sum.backend.direct_opened);
  json.number("direct_full", sum.backend.direct_full);
  json.number("direct_lost", sum.backend.direct_lost);
  json.number("direct_installed", sum.backend.direct_installed);
  json.number("stalls", sum.stalls).number("handler_exceptions", sum.handler_exceptions);
  std::fprintf(stderr, "%s\n", json.end_object().str().c_str());
}

int conclude(const serve_options& how, const std::vector<ending>& endings) {
  int status = 0;
  for (const ending& part : endings) status = std::max(status, part.status);
  if (how.stats) print_stats(endings);
  return status;
}

/// The threads after the first, each with a station of its own on the shared port.
class crew {
 public:
  /// `on_failure` is called, on any thread, when a backend fails.
  explicit crew(std::function<void()> on_failure) : on_failure_(std::move(on_failure)) {}

  /// Returns when the new thread listens, or why it does not.
  opened<void> add(const config::options& options, const handler_maker& make_handler) {
    std::promise<opened<void>> ready;
    std::future<opened<void>> became_ready = ready.get_future();
    seat& taken = seats_.emplace_back();
    // `options` and `make_handler` are used before `ready` is told, and not after.
    taken.thread = std::jthread([this, &taken, &options, &make_handler, ready = std::move(ready)](
                                    const std::stop_token& stopping) mutable {
      const auto here = station::open(options, make_handler);
      if (!here) return ready.set_value(std::unexpected(here.error()));
      ready.set_value({});
      const std::stop_callback stop(stopping, [&here]() noexcept { (*here)->stop(); });
      taken.end = (*here)->run(on_failure_);
    });
    return became_ready.get();
  }

  /// Has every thread begin its drain.
  void stop() {
    for (seat& taken : seats_) taken.thread.request_stop();
  }

  /// The same, and waits until they have drained.
  std::vector<ending> end() {
    stop();
    std::vector<ending> endings;
    for (seat& taken : seats_) {
      taken.thread.join();
      endings.push_back(taken.end);
    }
    return endings;
  }

 private:
  struct seat {
    ending end;
    std::jthread thread;
  };

  std::function<void()> on_failure_;
  std::list<seat> seats_;
};

/// Blocks the signals that end the program, here and in threads that start from now on: they wait
/// for run_until_signal, and none is lost between the ready line and it.
void hold_end_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

int serve(config::options options, const serve_options& how, const handler_maker& make_handler) {
  hold_end_signals();
  if (options.threads > 1) options.listener.reuse_port = true;
  const auto opened_first = station::open(options, make_handler);
  if (!opened_first) return config::refuse(how.program, opened_first.error());
  station& first = **opened_first;
  // When the port was the kernel's choice, the others share it.
  options.listener.address = first.listens().local().to_string();
  crew others([&first] { first.stop(); });
  for (std::uint32_t at = 1; at < options.threads; ++at) {
    if (const auto open = others.add(options, make_handler); !open)
      return config::refuse(how.program, open.error());
  }
  if (first.runs_on().backend() == io::backend_kind::uring) {
    options.reactor.log(log_level::info, "uring: " + first.runs_on().reason());
  }
  config::announce(first.runs_on(), first.listens());
  const ending own = first.run_until_signal([&others] { others.stop(); });
  std::vector<ending> endings = others.end();
  endings.push_back(own);
  return conclude(how, endings);
}

}  // namespace myra::tool
