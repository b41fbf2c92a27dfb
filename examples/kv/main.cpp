// myra-kv: a key-value server that speaks the Redis protocol.
//
// How it is put together, in the order to read:
//   main      reads the options, opens the reactor and the listener, runs until a signal
//   session   talks with each client
//   server    what all clients share
//   command   the table of commands, and what each does
//   store     the keys and their values
//   resp_*    the protocol: bytes to commands, replies to bytes
#include "myra/config/configure.hpp"
#include "myra/config/console.hpp"
#include "myra/metrics/exporter.hpp"
#include "myra/transport.hpp"
#include "server.hpp"
#include "session.hpp"

namespace {

// Removes keys that have ended although nobody asks for them. It runs on the reactor like
// everything else, so its work is bounded, and it goes on sooner when there is more to do.
myra::task<> sweep(kv::server& on) {
  using namespace std::chrono_literals;
  myra::duration pause = 100ms;
  while (co_await myra::sleep_for(*on.reactor, pause)) {  // an error: the reactor is ending
    on.data.set_now(on.reactor->now());
    pause = on.data.sweep(500) == 500 ? 1ms : 100ms;
  }
}

// Whether clients_max can be met, where it was set: empty, or why not. Who sets connections_max
// alone has the others wait.
std::string check(const kv::limits& limits, const myra::listener_options& listens) {
  const std::uint32_t most = listens.connections_max;
  if (limits.clients_max == kv::limits{}.clients_max || most == 0 || most > limits.clients_max)
    return {};
  return "listener.connections_max: found " + std::to_string(most) +
         ", allowed with kv.clients_max = " + std::to_string(limits.clients_max) +
         ": more than that, or the others wait and are not told; 0: no limit";
}

}  // namespace

int main(int argc, char** argv) {
  namespace config = myra::config;
  config::options options;
  options.reactor.log = config::log_to_stderr("myra-kv");
  options.listener.address = "127.0.0.1:6380";
  // A client may take its time to read; how much waits for it is bounded all the same.
  options.listener.connection.write_timeout = myra::duration::zero();
  options.listener.connection.send_high_water_bytes = 128 * 1024;
  options.listener.connection.send_low_water_bytes = 32 * 1024;
  // It is clients_max that bounds them: who is too many is told so, and has to be accepted for
  // that.
  options.listener.connections_max = 0;
  kv::limits limits;

  config::program program = config::program_of(options, {.listener = true, .metrics = true});
  program.name = "myra-kv";
  program.summary = "A key-value server that speaks the Redis protocol, on one thread.";
  program.examples =
      "myra-kv                                  # then: redis-cli -p 6380 set k v\n"
      "myra-kv --listen '*:6379' --backend epoll\n"
      "myra-kv --print-config > kv.toml\n"
      "myra-kv --config kv.toml --value-max 64MiB";
  const config::bounds sizes{.least = 16, .most = 512 << 20};
  program.fields.push_back(config::size({"kv.key_size_max", "key-max"}, "Longest key.",
                                        limits.key_size_max_bytes, sizes));
  program.fields.push_back(config::size({"kv.value_size_max", "value-max"}, "Longest value.",
                                        limits.value_size_max_bytes, sizes));
  program.fields.push_back(config::number({"kv.clients_max", "clients-max"}, "Clients at a time.",
                                          limits.clients_max, {.least = 1, .most = 1'000'000}));
  program.fields.push_back(config::time({"kv.request_timeout", "request-timeout"},
                                        "From a request's first byte to its last; 0s: for ever.",
                                        limits.request_timeout));
  program.check = [&, of_options = std::move(program.check)] {
    std::string wrong = check(limits, options.listener);
    return wrong.empty() ? of_options() : wrong;
  };
  if (const auto status = config::configure(argc, argv, program)) return *status;

  const bool shows_counters = !options.metrics_address.empty();
  options.reactor.publish_counters |= shows_counters;
  kv::server on{.bounds = limits};
  auto reactor = myra::reactor::open(options.reactor);
  if (!reactor) return config::refuse(program.name, reactor.error());
  on.reactor = &*reactor;
  auto listener = myra::listener::open(*reactor, options.listener);
  if (!listener) return config::refuse(program.name, listener.error());
  std::optional<myra::metrics::exporter> exporter;
  if (shows_counters) {
    auto made = myra::metrics::exporter::open(*reactor, {.address = options.metrics_address},
                                              {reactor->board()});
    if (!made) return config::refuse(program.name, made.error());
    exporter = std::move(*made);
  }
  listener->serve([&on](myra::connection peer) { return kv::talk(std::move(peer), on); });
  myra::spawn(*reactor, sweep(on));
  config::announce(*reactor, *listener);
  if (exporter) config::announce_metrics(exporter->local());
  return reactor->run_until_signal(options.shutdown);
}
