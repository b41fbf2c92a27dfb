// myra proxy: a TCP proxy. Listens here, connects there, copies nothing in between.

#include <chrono>
#include <memory>

#include "myra/config/configure.hpp"
#include "myra/config/console.hpp"
#include "relay.hpp"
#include "serve.hpp"
#include "verbs.hpp"

namespace myra::tool {
namespace {

constexpr const char* examples =
    "myra proxy --listen '*:8080' --connect 127.0.0.1:80\n"
    "myra proxy --listen 127.0.0.1:6380 --connect unix:/run/redis.sock\n"
    "myra proxy --listen 127.0.0.1:0 --connect '[2001:db8::1]:443' --backend epoll\n"
    "myra proxy --config proxy.toml --connection.idle-timeout 10min";

/// Bulk wants large slots and short queues: what the kernel hands over and takes at once, and no
/// more than the cache holds. One receive at a time stops at once when it has to.
config::options proxy_defaults() {
  config::options options;
  options.reactor.log = config::log_to_stderr("myra proxy");
  options.reactor.pool.slot_size_bytes = 64 * 1024;
  options.reactor.pool.slot_count_initial = 64;
  options.reactor.pool.slot_count_max = 32 * 1024;
  options.reactor.receive_buffer_count = 16;
  connection_options& connection = options.listener.connection;
  connection.receive = receive_mode::one_shot;
  connection.send_high_water_bytes = 128 * 1024;
  connection.send_low_water_bytes = 64 * 1024;
  connection.write_timeout = std::chrono::minutes(10);
  options.connect.connection = connection;
  return options;
}

}  // namespace

int run_proxy(int argc, const char* const* argv) {
  config::options options = proxy_defaults();
  serve_options how{.program = "myra proxy"};
  const config::offered parts{.threads = true, .listener = true, .connect = true, .metrics = true};

  config::program program{
      .name = "myra proxy",
      .summary =
          "A TCP proxy: every connection to --listen is joined to one to --connect. Half-closes, "
          "resets and "
          "back-pressure are passed on.",
      .examples = examples,
      .fields = config::fields_of(options, parts),
      .check = {},
  };
  program.fields.push_back(
      config::flag({"proxy.stats", "stats"},
                   "Print counters as one JSON line on standard error at the end.", how.stats));
  program.check = [&]() -> std::string {
    if (options.listener.address.empty()) return "give --listen HOST:PORT, where clients come to";
    if (options.connect_to.empty()) return "give --connect HOST:PORT, where their bytes go";
    return config::check(options, parts);
  };
  if (const auto status = config::configure(argc, argv, program)) return *status;

  const auto target = endpoint::parse(options.connect_to);
  if (!target) return config::refuse(how.program, target.error());
  const relay_options relays{*target, options.connect};
  return serve(options, how,
               [&relays](reactor& on) { return std::make_unique<relay_set>(on, relays); });
}

}  // namespace myra::tool
