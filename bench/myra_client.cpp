// A load like that of myra-load, on Myra: its options are those of the library, so that each
// feature can be switched off.
//
//   myra-client --connect 127.0.0.1:7000 --connections 50 --depth 16
//   myra-client --connect 127.0.0.1:7000 --mode bulk --size 64KiB
//       --reactor.pool.slot-size-bytes 64KiB

#include "myra_client.hpp"

#include "command_line.hpp"
#include "myra/config/configure.hpp"
#include "myra/config/console.hpp"

namespace myra::bench {

void open_connections(reactor& on, const client_plan& plan, std::uint32_t count,
                      const std::function<connection_handler&(std::uint32_t)>& handler_of,
                      std::vector<connection>& opened) {
  std::uint32_t missing = count;
  std::vector<connect_attempt> attempts;
  opened.resize(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    attempts.push_back(connect(on, std::span(&plan.target, 1), plan.connect,
                               [&, i](result<connection> made) noexcept {
                                 if (!made) fail_run("connect: " + made.error().message());
                                 opened[i] = std::move(*made);
                                 opened[i].set_handler(handler_of(i));
                                 if (--missing == 0) on.stop();
                               }));
  }
  if (const auto ran = on.run(); !ran) fail_run("the backend failed: " + ran.error().message());
}

namespace {

constexpr const char* program_name = "myra-client";

enum class mode : std::uint8_t { echo, bulk };

struct settings {
  config::options options;
  client_plan plan;
  mode chosen = mode::echo;
  std::uint32_t milliseconds = 2000;
  std::uint32_t warm_up_milliseconds = 300;
  std::uint32_t server_pid = 0;
  bool count_entries = false;
};

/// Why it cannot be done, or nothing.
std::string complaint(const settings& all) {
  const load_request& load = all.plan.load;
  if (all.chosen == mode::echo) return {};
  if (load.connections != 1) return "client.connections: bulk is one stream";
  if (load.depth != 1) return "client.depth: bulk is one stream";
  if (all.options.reactor.pool.slot_size_bytes < load.message_size) {
    return "client.size: a write is one buffer, and reactor.pool.slot_size_bytes is smaller";
  }
  return {};
}

void add_fields(std::vector<config::field>& to, settings& all) {
  load_request& load = all.plan.load;
  to.push_back(config::choice<mode>({"client.mode", "mode"}, "What it does.", all.chosen,
                                    {{"echo", mode::echo}, {"bulk", mode::bulk}}));
  to.push_back(config::number({"client.connections", "connections"}, "Connections at a time.",
                              load.connections, {.least = 1, .most = 100'000}));
  to.push_back(config::number({"client.depth", "depth"}, "Messages of a connection under way.",
                              load.depth, {.least = 1, .most = 1024}));
  to.push_back(config::size({"client.size", "size"}, "Bytes of a message or a write.",
                            load.message_size, {.least = 8, .most = 1 << 20, .step = 8}));
  to.push_back(config::number({"client.milliseconds", "milliseconds"}, "How long it measures.",
                              all.milliseconds, {.least = 1}));
  to.push_back(config::number({"client.warm_up", "warm-up"}, "Milliseconds before that.",
                              all.warm_up_milliseconds, {}));
  to.push_back(config::number({"client.server_pid", "server-pid"},
                              "The server's process, to report what it used.", all.server_pid, {}));
  to.push_back(config::flag({"client.count_entries", "count-entries"},
                            "Count the server's kernel entries.", all.count_entries));
}

int run(settings& all) {
  auto target = endpoint::parse(all.options.connect_to);
  if (!target) return config::refuse(program_name, target.error());
  all.plan.target = *target;
  all.plan.connect = all.options.connect;
  all.plan.load.duration = std::chrono::milliseconds(all.milliseconds);
  all.plan.load.warm_up = std::chrono::milliseconds(all.warm_up_milliseconds);
  if (const std::string wrong = complaint(all); !wrong.empty()) {
    return config::refuse(program_name, wrong);
  }
  auto on = reactor::open(all.options.reactor);
  if (!on) return config::refuse(program_name, on.error());
  const server_probe probe(static_cast<pid_t>(all.server_pid), all.count_entries, {});
  print_report(all.chosen == mode::echo ? run_echo_on_myra(*on, all.plan, probe)
                                        : run_bulk_on_myra(*on, all.plan, probe));
  return 0;
}

}  // namespace
}  // namespace myra::bench

int main(int argc, char** argv) {
  using namespace myra;
  bench::settings all;
  all.options.reactor.log = config::log_to_stderr(bench::program_name);
  auto program = config::program_of(all.options, {.connect = true});
  program.name = bench::program_name;
  program.summary = "Puts a load on a server and reports what it cost, as one line of JSON.";
  program.examples = "myra-client --connect 127.0.0.1:7000 --connections 50 --depth 16";
  bench::add_fields(program.fields, all);
  if (const auto status = config::configure(argc, argv, program)) return *status;
  return bench::run(all);
}
