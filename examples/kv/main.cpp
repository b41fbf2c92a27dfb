// myra-kv: a key-value server that speaks the Redis protocol.
//
// How it is put together, in the order to read:
//   main      reads the options, opens the reactor and the listener, and runs until a signal
//   server    what all clients share
//   session   one client's connection: what Myra calls
//   command   the table of commands, and what each does
//   store     the keys and their values
//   resp_*    the protocol: bytes to commands, replies to bytes
#include <cstdio>
#include <string>

#include "myra/config/configure.hpp"
#include "myra/transport.hpp"
#include "session.hpp"

namespace {

int fail(const myra::error_report& why) {
  std::fprintf(stderr, "myra-kv: %s\n", myra::describe(why).c_str());
  return 2;  // for what the user has to put right
}

void write_log(void*, myra::log_level level, std::string_view line) noexcept {
  if (level < myra::log_level::warning) return;
  std::fprintf(stderr, "myra-kv: %.*s\n", static_cast<int>(line.size()), line.data());
}

// Removes keys that have ended although nobody asks for them. A coroutine: it runs on the reactor
// like a handler, so its work is bounded, and it goes on sooner when there is more to do.
myra::task<> sweep(kv::server& on) {
  using namespace std::chrono_literals;
  myra::duration pause = 100ms;
  while (co_await myra::sleep_for(on.reactor, pause)) {  // an error: the reactor is ending
    on.data.set_now(on.reactor.now());
    pause = on.data.sweep(500) == 500 ? 1ms : 100ms;
  }
}

int serve(const myra::config::options& options, const kv::limits& limits) {
  auto reactor = myra::reactor::open(options.reactor);
  if (!reactor) return fail(reactor.error());
  kv::server on{.bounds = limits, .reactor = std::move(*reactor)};

  auto listener = myra::listener::open(on.reactor, options.listener);
  if (!listener) return fail(listener.error());
  listener->serve([&on] { return std::make_unique<kv::session>(on); });
  myra::spawn(on.reactor, sweep(on));

  // For people and for scripts that wait for it.
  const bool uring = on.reactor.backend() == myra::io::backend_kind::uring;
  const std::string how = uring ? "uring" : "epoll: " + on.reactor.reason();
  std::printf("listening on %s (%s)\n", listener->local().to_string().c_str(), how.c_str());
  std::fflush(stdout);
  return on.reactor.run_until_signal(options.shutdown);
}

}  // namespace

int main(int argc, char** argv) {
  namespace config = myra::config;
  config::options options;
  options.reactor.log.write = write_log;
  options.listener.address = "127.0.0.1:6380";
  // A client may take its time to read; how much waits for it is bounded all the same.
  options.listener.connection.write_timeout = myra::duration::zero();
  options.listener.connection.send_high_water_bytes = 128 * 1024;
  options.listener.connection.send_low_water_bytes = 32 * 1024;
  kv::limits limits;

  const config::offered parts{.listener = true};
  config::program program{
      .name = "myra-kv",
      .summary = "A key-value server that speaks the Redis protocol, on one thread.",
      .examples =
          "myra-kv                                  # then: redis-cli -p 6380 set k v\n"
          "myra-kv --listen '*:6379' --backend epoll\n"
          "myra-kv --print-config > kv.toml\n"
          "myra-kv --config kv.toml --value-max 64MiB",
      .fields = config::fields_of(options, parts),
      .check = [&] { return config::check(options, parts); }};
  const config::bounds sizes{.least = 16, .most = 512 << 20};
  program.fields.push_back(config::size({"kv.key_size_max", "key-max"}, "Longest key.",
                                        limits.key_size_max_bytes, sizes));
  program.fields.push_back(config::size({"kv.value_size_max", "value-max"}, "Longest value.",
                                        limits.value_size_max_bytes, sizes));
  program.fields.push_back(config::number({"kv.clients_max", "clients-max"}, "Clients at a time.",
                                          limits.clients_max, {.least = 1, .most = 1'000'000}));
  if (const auto status = config::configure(argc, argv, program)) return *status;
  return serve(options, limits);
}
