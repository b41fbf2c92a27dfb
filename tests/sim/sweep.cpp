#include "sweep.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <memory>
#include <utility>

#include "clients.hpp"
#include "myra/io/error_table.hpp"
#include "myra/io/operation.hpp"
#include "myra/io/sim/errors.hpp"
#include "myra/reactor/world.hpp"
#include "servers.hpp"

namespace myra::simtest {
namespace {

using namespace std::chrono_literals;

constexpr int client_count = 6;

/// What differs from one to the next.
struct scenario {
  std::string name;
  server_style style = server_style::handing_on;
  bool at_client = false;  ///< It is the clients' host where something fails.
  void (*change)(reactor_options&, connection_options&) = nullptr;
  std::uint32_t connections_max = 0;
  client_end ends = client_end::half_close;
  bool harmless_faults = false;
};

void one_shot(reactor_options& reactor, connection_options& connection) {
  reactor.features.multishot_receive = reactor.features.multishot_accept = false;
  connection.receive = receive_mode::one_shot;
}

void never_silent(reactor_options& reactor, connection_options&) {
  reactor.features.silent_sends = false;
}

void without_copies(reactor_options& reactor, connection_options& connection) {
  reactor.zero_copy.threshold_bytes = 0;
  reactor.zero_copy.free_slots_min = 1;
  connection.zero_copy = zero_copy_mode::always;
}

void tiny_queues(reactor_options& reactor, connection_options&) {
  reactor.submission_entries = reactor.completion_entries = 8;
}

void few_buffers(reactor_options& reactor, connection_options&) {
  reactor.pool.slot_size_bytes = 256;
  reactor.pool.slot_count_initial = reactor.pool.slot_count_max = 16;
  reactor.receive_buffer_count = 4;
}

void small_marks(reactor_options&, connection_options& connection) {
  connection.send_buffer_bytes = connection.receive_buffer_bytes = 256;
  connection.send_high_water_bytes = connection.receive_high_water_bytes = 512;
  connection.send_low_water_bytes = connection.receive_low_water_bytes = 128;
}

const std::vector<scenario>& scenarios() {
  using enum server_style;
  static const std::vector<scenario> all{
      {.name = "handing_on"},
      {.name = "copying", .style = copying},
      {.name = "pausing", .style = pausing, .ends = client_end::close},
      {.name = "coroutine", .style = coroutine},
      {.name = "one_shot", .change = one_shot},
      {.name = "never_silent", .style = copying, .change = never_silent},
      {.name = "zero_copy", .style = copying, .change = without_copies},
      {.name = "tiny_queues", .change = tiny_queues},
      {.name = "few_buffers", .style = coroutine, .change = few_buffers},
      {.name = "small_marks", .style = copying, .change = small_marks},
      {.name = "two_at_a_time",
       .style = coroutine,
       .connections_max = 2,
       .ends = client_end::abort},
      {.name = "clients", .at_client = true},
      {.name = "clients_zero_copy", .at_client = true, .change = without_copies},
      {.name = "harmless_faults", .style = coroutine, .harmless_faults = true}};
  return all;
}

/// One run: the hosts of a scenario, and what became of it.
class swept {
 public:
  swept(std::size_t index, const sim::failure& chosen)
      : of_(scenarios()[index]),
        world_({.seed = index + 1,
                .faults = of_.harmless_faults ? sim::faults::harmless() : sim::faults::none()}),
        chosen_(chosen) {
    reactor_options reactor = sim::world_options::small_reactor();
    connection_.idle_timeout = 20s;
    connection_.write_timeout = 10s;
    if (of_.change != nullptr) of_.change(reactor, connection_);
    server_ = &world_.host("server", reactor);
    client_ = &world_.host("client", reactor);
    struck_host().machine().fail(chosen);
  }

  [[nodiscard]] sweep_outcome run() {
    server_->serve([this](reactor& on) {
      listening_ = std::make_unique<listener>(open_echo(
          on,
          {.style = of_.style, .connections_max = of_.connections_max, .connection = connection_}));
    });
    client_->run([this](reactor& on) { return run_clients(on); });
    const bool ended = world_.run_until_idle({.virtual_time = 20min});
    sweep_outcome made;
    const sim::failure_count counted = struck_host().machine().failed();
    made.operations = counted.asked;
    made.struck = counted.struck != 0;
    made.clients_failed = static_cast<int>(tally_.failed);
    made.wrong = what_is_wrong(ended, counted);
    over_ = true;
    listening_.reset();
    if (!world_.end() && made.wrong.empty()) made.wrong = "something is left over";
    if (!made.wrong.empty()) made.story = world_.story(40);
    return made;
  }

 private:
  [[nodiscard]] sim::host& struck_host() { return of_.at_client ? *client_ : *server_; }

  task<> run_clients(reactor& on) {
    task_scope children(on);
    for (int i = 0; i < client_count; ++i) {
      client_plan plan;
      plan.id = static_cast<std::uint64_t>(i) + 1;
      plan.address = server_->address(7000);
      plan.size = 20'000;
      plan.piece_size_max = 100;
      plan.ends = of_.ends;
      plan.connection = connection_;
      plan.receive_deadline = 30s;
      children.spawn(run_client(on, plan, tally_));
    }
    co_await children.join();
    if (over_) co_return;
    // All of the server's connections end by their deadlines, with nobody left to talk to.
    for (int i = 0; i < 1000 && !over_ && !all_ended(); ++i)
      static_cast<void>(co_await sleep_for(on, 100ms));
  }

  [[nodiscard]] bool all_ended() {
    for (sim::host* each : {server_, client_}) {
      const loop_counters counted = each->reactor().counters();
      if (counted.connections_opened != counted.connections_closed) return false;
    }
    return true;
  }

  [[nodiscard]] std::string what_is_wrong(bool ended, const sim::failure_count& counted) {
    if (!ended) return "the run did not end as it should";
    if (!all_ended()) return "a connection did not end";
    for (sim::host* each : {server_, client_}) {
      buffer_pool& pool = each->reactor().internals().pool();
      pool.collect();
      if (pool.application_count() != 0) return "buffers did not come home";
    }
    if (tally_.complete + tally_.failed != client_count)
      return "a client was neither served nor told";
    for (const std::error_code& each : tally_.errors)
      if (!is_in_table(each)) return "an error that no table has: " + each.message();
    if (chosen_.ordinal != 0 && counted.struck == 0) return "the failure did not strike";
    if (tally_.failed > harmed_max(counted))
      return std::to_string(tally_.failed) + " clients were harmed, by one failure";
    return {};
  }

  /// How many clients may be harmed.
  [[nodiscard]] std::uint64_t harmed_max(const sim::failure_count& counted) const {
    if (counted.struck == 0) return 0;
    switch (static_cast<io::operation_kind>(counted.kind)) {
      case io::operation_kind::accept:
        // Who is not accepted suffers from what befalls the listener. Failures in a row are paused
        // between, for longer than a client waits.
        return passes_at_once() && tries_again(io::failing_call::accept) ? 0 : client_count;
      case io::operation_kind::receive: return tries_again(io::failing_call::receive) ? 0 : 1;
      case io::operation_kind::send: return tries_again(io::failing_call::send) ? 0 : 1;
      case io::operation_kind::send_zero_copy:
        return tries_again(io::failing_call::send_zero_copy) ? 0 : 1;
      default: return 1;
    }
  }

  /// Once, and what is waited for is still there.
  [[nodiscard]] bool passes_at_once() const {
    return !chosen_.for_ever && !sim::ends_connection(chosen_.error);
  }

  /// The table says that the operation is tried again.
  [[nodiscard]] bool tries_again(io::failing_call call) const {
    const io::reaction next = io::reaction_to(call, -chosen_.error);
    return next == io::reaction::retry || next == io::reaction::back_off;
  }

  /// The portable conditions, or what the kernel said.
  [[nodiscard]] bool is_in_table(const std::error_code& told) const {
    constexpr std::array conditions{condition::disconnected,     condition::timed_out,
                                    condition::refused,          condition::unreachable,
                                    condition::cancelled,        condition::resource_exhausted,
                                    condition::permission_denied};
    return told == kernel_error(-chosen_.error) ||
           std::ranges::any_of(conditions, [&](condition each) { return told == each; });
  }

  const scenario& of_;
  connection_options connection_;
  sim::world world_;
  sim::host* server_ = nullptr;
  sim::host* client_ = nullptr;
  std::unique_ptr<listener> listening_;
  client_tally tally_;
  sim::failure chosen_;
  bool over_ = false;  ///< The hosts end, and nobody looks at them any more.
};

}  // namespace

const std::vector<std::string>& sweep_scenarios() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    std::ranges::transform(scenarios(), std::back_inserter(made), &scenario::name);
    return made;
  }();
  return names;
}

const std::vector<int>& sweep_errors() {
  static const std::vector<int> errors{EINTR, EAGAIN,    ENOBUFS, ENOMEM,  ECONNRESET,
                                       EPIPE, ETIMEDOUT, EMFILE,  ENFILE,  ECANCELED,
                                       EIO,   EBADF,     EPERM,   ENETDOWN};
  return errors;
}

sweep_outcome run_swept(std::size_t scenario, const sim::failure& chosen) {
  return swept(scenario, chosen).run();
}

}  // namespace myra::simtest
