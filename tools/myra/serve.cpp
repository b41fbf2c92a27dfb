#include "serve.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <future>
#include <latch>
#include <list>
#include <optional>
#include <thread>
#include <vector>

#include "console.hpp"
#include "signal_watch.hpp"

namespace myra::tool {
namespace {

struct ending {
  int status = 0;
  loop_counters counters;
  listener_counters accepts;
};

/// One reactor with its listener and its service, all of one thread.
class station {
 public:
  opened<void> open(const config::options& options, std::unique_ptr<service> served) {
    service_ = std::move(served);
    drain_deadline_ = options.shutdown.drain_deadline;
    auto reactor = myra::reactor::open(options.reactor);
    if (!reactor) return std::unexpected(std::move(reactor.error()));
    reactor_.emplace(std::move(*reactor));
    auto listener = myra::listener::open(*reactor_, options.listener);
    if (!listener) {
      listener.error().what += " (another --listen address may do; port 0 lets the kernel choose)";
      return std::unexpected(std::move(listener.error()));
    }
    listener_.emplace(std::move(*listener));
    service_->serve(*reactor_, *listener_);
    return {};
  }

  [[nodiscard]] const endpoint& address() const noexcept { return listener_->local(); }
  [[nodiscard]] reactor& runs_on() noexcept { return *reactor_; }

  /// Until `stop`. False: the backend failed.
  [[nodiscard]] bool run() { return reactor_->run().has_value(); }
  /// Any thread.
  void stop() noexcept { reactor_->stop(); }

  ending end(bool ran) {
    const bool drained = ran && service_->drain(*reactor_, *listener_, drain_deadline_);
    return {drained ? 0 : 1, reactor_->counters(), listener_->counters()};
  }

 private:
  // Connections lead to the service, so that it goes last.
  std::unique_ptr<service> service_;
  duration drain_deadline_{};
  std::optional<reactor> reactor_;
  std::optional<listener> listener_;
};

void announce(station& ready) {
  const reactor& on = ready.runs_on();
  const bool fell_back = on.backend() == io::backend_kind::epoll;
  std::printf("listening on %s (%s%s)\n", ready.address().to_string().c_str(),
              io::name_of(on.backend()), fell_back ? (": " + on.reason()).c_str() : "");
  std::fflush(stdout);
}

int refuse(const serve_options& how, const error_report& why) {
  return usage_error(how.program, describe(why));
}

void add(loop_counters& sum, const loop_counters& part) noexcept {
  sum.kernel_entries += part.kernel_entries;
  sum.backend.submissions += part.backend.submissions;
  sum.backend.completions += part.backend.completions;
  sum.backend.late_completions += part.backend.late_completions;
  sum.backend.overflows += part.backend.overflows;
  sum.backend.no_buffer += part.backend.no_buffer;
  sum.backend.silent_sends += part.backend.silent_sends;
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
  ~crew() { end(); }

  /// Returns when the new thread listens, or why it does not.
  opened<void> add(const config::options& options, std::unique_ptr<service> served) {
    std::promise<opened<void>> ready;
    std::future<opened<void>> became_ready = ready.get_future();
    seat& taken = seats_.emplace_back();
    taken.thread = std::thread([this, &taken, &ready, &options, &served] {
      station here;
      opened<void> open = here.open(options, std::move(served));
      const bool listens = open.has_value();
      if (listens) taken.where = &here;
      ready.set_value(std::move(open));
      if (listens) work(taken);
    });
    return became_ready.get();
  }

  /// Has every thread begin its drain. Once.
  void stop() noexcept {
    for (seat& taken : seats_) {
      if (taken.where != nullptr) taken.where->stop();
    }
    stopping_.count_down();
    stopped_ = true;
  }

  /// Waits for all of them.
  std::vector<ending> end() {
    if (!stopped_) stop();
    std::vector<ending> endings;
    for (seat& taken : seats_) {
      taken.thread.join();
      endings.push_back(taken.end);
    }
    seats_.clear();
    return endings;
  }

 private:
  struct seat {
    station* where = nullptr;  ///< On the thread's stack, from listening to the end of the drain.
    std::thread thread;
    ending end;
  };

  void work(seat& taken) {
    const bool ran = taken.where->run();
    // A backend that failed ends the whole program, as if it had been asked to end.
    if (!ran) kill(getpid(), SIGTERM);
    stopping_.wait();
    taken.end = taken.where->end(ran);
  }

  std::list<seat> seats_;
  std::latch stopping_{1};
  bool stopped_ = false;
};

/// Runs until the signal. False: the backend failed.
bool run_until_signal(station& first) {
  const auto stop = [](void* context) noexcept { static_cast<station*>(context)->stop(); };
  const signal_watch watch(first.runs_on(), stop, &first);
  return first.run();
}

}  // namespace

bool service::drain(reactor& on, listener&, duration deadline) { return on.drain(deadline); }

int serve(config::options options, const serve_options& how,
          const std::function<std::unique_ptr<service>()>& make_service) {
  // From here on a signal waits for whoever takes it: none is lost between the ready line and the
  // loop.
  hold_end_signals();
  if (options.threads > 1) options.listener.reuse_port = true;
  station first;
  if (const auto open = first.open(options, make_service()); !open)
    return refuse(how, open.error());
  // When the port was the kernel's choice, the others share it.
  options.listener.address = first.address().to_string();
  crew others;
  for (std::uint32_t at = 1; at < options.threads; ++at) {
    if (const auto open = others.add(options, make_service()); !open)
      return refuse(how, open.error());
  }
  if (first.runs_on().backend() == io::backend_kind::uring) {
    options.reactor.log(log_level::info, "uring: " + first.runs_on().reason());
  }
  announce(first);
  const bool ran = run_until_signal(first);
  others.stop();
  const ending own = first.end(ran);
  std::vector<ending> endings = others.end();
  endings.push_back(own);
  return conclude(how, endings);
}

}  // namespace myra::tool
