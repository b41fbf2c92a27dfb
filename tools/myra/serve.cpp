#include "serve.hpp"

#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "myra/config/console.hpp"
#include "myra/metrics/exporter.hpp"
#include "myra/reactor/reactor_group.hpp"
#include "myra/transport/shared_listener.hpp"

namespace myra::tool {
namespace {

struct ending {
  loop_counters counters;
  listener_counters accepts;
};

/// What lives on one reactor: its part of the listener, and its handler; on the last, the exporter
/// of all.
class station final : public resident {
 public:
  static opened<std::unique_ptr<station>> open(reactor& on, std::uint32_t index,
                                               shared_listener& port, ending& end,
                                               const handler_maker& make_handler) {
    auto from = port.join(on, index);
    if (!from) {
      from.error().what += " (another --listen address may do; port 0 lets the kernel choose)";
      return std::unexpected(std::move(from.error()));
    }
    return std::make_unique<station>(on, index, port, **from, end, make_handler);
  }

  station(reactor& on, std::uint32_t index, shared_listener& port, listener& from, ending& end,
          const handler_maker& make_handler)
      : reactor_(on), index_(index), port_(port), listener_(from), end_(end) {
    handler_ = make_handler(on);
    from.serve(*handler_);
  }

  void hold(std::optional<metrics::exporter> shows) noexcept { exporter_ = std::move(shows); }

  void leave() noexcept override { port_.leave(index_); }
  void end() noexcept override {
    end_ = {reactor_.counters(), listener_.counters()};
    exporter_.reset();
    port_.end(index_);
  }

 private:
  std::unique_ptr<connection_handler> handler_;
  reactor& reactor_;
  std::uint32_t index_;
  shared_listener& port_;
  listener& listener_;
  ending& end_;
  std::optional<metrics::exporter> exporter_;
};

void add(io::zero_copy_receive_counters& sum, const io::zero_copy_receive_counters& part) noexcept {
  sum.receives += part.receives;
  sum.received_bytes += part.received_bytes;
  sum.waits += part.waits;
  sum.queue_full += part.queue_full;
  sum.flushes += part.flushes;
  sum.refill_full += part.refill_full;
  sum.kernel_copies += part.kernel_copies;
  sum.kernel_copied_bytes += part.kernel_copied_bytes;
}

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
  sum.backend.handed_over += part.backend.handed_over;
  sum.backend.handed_back += part.backend.handed_back;
  sum.messages_received += part.messages_received;
  sum.bytes_received += part.bytes_received;
  sum.bytes_sent += part.bytes_sent;
  sum.bytes_copied += part.bytes_copied;
  sum.stalls += part.stalls;
  sum.handler_exceptions += part.handler_exceptions;
  sum.buffer_waits += part.buffer_waits;
  sum.hold_backs += part.hold_backs;
  sum.buffer_cuts += part.buffer_cuts;
  sum.zero_copy.asked += part.zero_copy.asked;
  sum.zero_copy.granted += part.zero_copy.granted;
  sum.zero_copy.copied += part.zero_copy.copied;
  sum.zero_copy.refused += part.zero_copy.refused;
  sum.zero_copy.low_pool += part.zero_copy.low_pool;
  add(sum.backend.zero_copy_receive, part.backend.zero_copy_receive);
}

void write(json_writer& json, const io::zero_copy_receive_counters& sum) {
  json.number("zero_copy_receives", sum.receives);
  json.number("zero_copy_received_bytes", sum.received_bytes);
  json.number("zero_copy_receive_waits", sum.waits);
  json.number("zero_copy_receive_queue_full", sum.queue_full);
  json.number("zero_copy_receive_flushes", sum.flushes);
  json.number("zero_copy_receive_refill_full", sum.refill_full);
  json.number("zero_copy_receive_kernel_copies", sum.kernel_copies);
  json.number("zero_copy_receive_kernel_copied_bytes", sum.kernel_copied_bytes);
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
  json.number("buffer_hold_backs", sum.hold_backs).number("buffer_cuts", sum.buffer_cuts);
  json.number("zero_copy_asked", sum.zero_copy.asked);
  json.number("zero_copy_granted", sum.zero_copy.granted);
  json.number("zero_copy_copied", sum.zero_copy.copied);
  json.number("zero_copy_refused", sum.zero_copy.refused);
  json.number("zero_copy_low_pool", sum.zero_copy.low_pool);
  write(json, sum.backend.zero_copy_receive);
  json.number("direct_opened", sum.backend.direct_opened);
  json.number("direct_full", sum.backend.direct_full);
  json.number("direct_lost", sum.backend.direct_lost);
  json.number("direct_installed", sum.backend.direct_installed);
  json.number("handed_over", sum.backend.handed_over);
  json.number("handed_back", sum.backend.handed_back);
  json.number("stalls", sum.stalls).number("handler_exceptions", sum.handler_exceptions);
  std::fprintf(stderr, "%s\n", json.end_object().str().c_str());
}

/// Blocks the signals that end the program, here and in threads that start from now on: they wait
/// for run_until_signal, and none is lost between the ready line and it.
void hold_end_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

/// Where a reactor's thread runs, as the kernel says, when something was asked for.
std::string words_of(const placement& placed) {
  std::string words = placed.name + ": on processor";
  for (const unsigned cpu : placed.cpus) words += " " + std::to_string(cpu);
  words += placed.node < 0 ? ", node unknown" : ", node " + std::to_string(placed.node);
  return words + (placed.memory_is_local ? ", memory from there" : "");
}

/// What is served: the address, and where the reactors' counts go at the end.
struct service {
  const config::options& options;
  const serve_options& how;
  const handler_maker& make_handler;
  shared_listener port;
  std::vector<ending> endings;
  /// Of the reactors so far: they are opened one after the other.
  metrics::boards boards = {};
  endpoint metrics_at = {};

  [[nodiscard]] bool shows_counters() const noexcept { return !options.metrics_address.empty(); }
  [[nodiscard]] reactor_options each_reactor() const {
    reactor_options each = options.reactor;
    each.publish_counters = each.publish_counters || shows_counters();
    return each;
  }
  opened<std::unique_ptr<resident>> open_station(reactor& on, std::uint32_t index) {
    std::optional<metrics::exporter> shows;
    if (shows_counters())
      if (auto shown = show_counters(on, shows); !shown)
        return std::unexpected(std::move(shown.error()));
    auto made = station::open(on, index, port, endings[index], make_handler);
    if (!made) return std::unexpected(std::move(made.error()));
    (*made)->hold(std::move(shows));
    return std::move(*made);
  }
  /// Opens the exporter on the last of the reactors.
  opened<void> show_counters(reactor& on, std::optional<metrics::exporter>& to) {
    boards.push_back(on.board());
    if (boards.size() != options.threads) return {};
    auto made = metrics::exporter::open(on, {.address = options.metrics_address}, boards);
    if (!made) return std::unexpected(std::move(made.error()));
    metrics_at = made->local();
    to = std::move(*made);
    return {};
  }
  void announce(const reactor& on) {
    if (on.backend() == io::backend_kind::uring)
      options.reactor.log(log_level::info, "uring: " + on.reason());
    config::announce(on, port.local());
    if (shows_counters()) config::announce_metrics(metrics_at);
  }
  int refuse(const error_report& why) { return config::refuse(how.program, why); }
};

/// On the calling thread: a process of one thread is the easiest to look into.
int serve_alone(service& served) {
  std::unique_ptr<resident> lives;  // outlives the reactor
  auto on = reactor::open(served.each_reactor());
  if (!on) return served.refuse(on.error());
  auto made = served.open_station(*on, 0);
  if (!made) return served.refuse(made.error());
  lives = std::move(*made);
  served.announce(*on);
  const int status =
      on->run_until_signal({.drain_deadline = served.options.shutdown.drain_deadline});
  lives->end();
  return status;
}

int serve_with_group(service& served) {
  const config::options& options = served.options;
  const group_options wanted{.reactor_count = options.threads,
                             .cpus = options.cpus,
                             .local_memory = options.local_memory,
                             .drain_deadline = options.shutdown.drain_deadline};
  auto group = reactor_group::open(
      served.each_reactor(), wanted,
      [&](reactor& on, std::uint32_t index) { return served.open_station(on, index); });
  if (!group) return served.refuse(group.error());
  if (!options.cpus.empty())
    for (std::uint32_t i = 0; i < group->size(); ++i)
      options.reactor.log(log_level::info, words_of(group->placed(i)));
  served.announce(group->at(0));
  return group->run_until_signal() ? 0 : 1;
}

}  // namespace

int serve(const config::options& options, const serve_options& how,
          const handler_maker& make_handler) {
  hold_end_signals();
  service served{options, how, make_handler,
                 shared_listener(options.listener, options.sharing, options.threads),
                 std::vector<ending>(options.threads)};
  const bool alone = options.threads == 1 && options.cpus.empty() && !options.local_memory;
  const int status = alone ? serve_alone(served) : serve_with_group(served);
  if (how.stats && status != 2) print_stats(served.endings);
  return status;
}

}  // namespace myra::tool
