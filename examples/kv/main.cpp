// myra-kv: a key-value server that speaks the Redis protocol.
//
// How it is put together, in the order to read:
//   main      all that has to do with the network: reads the options, opens the reactor and the
//             listener, talks with each client, runs until a signal
//   server    what all clients share
//   command   the table of commands, and what each does
//   store     the keys and their values
//   resp_*    the protocol: bytes to commands, replies to bytes
#include "myra/config/configure.hpp"
#include "myra/config/console.hpp"
#include "myra/metrics/exporter.hpp"
#include "myra/transport.hpp"
#include "resp_reply.hpp"
#include "server.hpp"

namespace {

// Replies leave in pieces of one buffer of Myra's pool each.
constexpr std::size_t piece_size_max = 16 * 1024;

// Runs what the parser has until there is a piece to be sent. Whether there is something to send.
bool run_commands(kv::server& on, kv::client& from, kv::resp_parser& parser) {
  on.data.set_now(on.reactor.now());
  on.replies.clear();  // what a command that threw left there was for another client
  while (!from.quits && on.replies.size() < piece_size_max) {
    const std::optional<kv::resp_command> command = parser.next();
    if (!command) break;
    kv::execute(on, from, *command);
  }
  if (parser.failed() && !from.quits) kv::write_error(on.replies, parser.error());
  from.quits |= parser.failed();
  return !on.replies.empty();
}

// Talks with one client. All that arrived together is answered together: one piece out for each
// piece in, however many commands are in it. When this returns, the connection closes after the
// replies are out; that is so as well when the client has sent its end or the server is to stop.
//
// The connection queues no more than its high-water mark. A client that sends commands and does not
// read the replies is not read from either, and costs that mark and the rest of one reply.
myra::task<> talk(myra::connection peer, kv::server& on) {
  kv::client self{.id = ++on.counted.connections, .address = peer.peer().to_string()};
  on.clients.emplace(self.id, &self);
  const auto leave = [&on](const kv::client* gone) { on.clients.erase(gone->id); };
  const std::unique_ptr<const kv::client, decltype(leave)> listed(&self, leave);
  if (on.clients.size() > on.bounds.clients_max) {
    peer.send_copy(myra::as_bytes("-ERR max number of clients reached\r\n"));
    co_return;
  }
  kv::resp_parser parser({.arguments_max = 65'536,
                          .bulk_size_max_bytes = on.bounds.value_size_max_bytes,
                          .request_size_max_bytes = on.bounds.message_size_max_bytes()});
  while (auto bytes = co_await peer.receive()) {
    parser.feed(myra::as_text(bytes->bytes()));
    while (run_commands(on, self, parser)) {
      std::string replies = std::move(on.replies);  // ours while we wait: others are served then
      for (std::size_t at = 0; at < replies.size(); at += piece_size_max) {
        const auto piece = std::string_view(replies).substr(at, piece_size_max);
        const myra::sent sent = peer.send_copy(myra::as_bytes(piece));
        if (sent == myra::send_status::back_pressured) ++on.counted.stalls, peer.pause_receive();
        if (const auto taken = co_await sent; !taken) co_return;
      }
      on.replies = std::move(replies);  // for its memory
      peer.resume_receive();
    }
    if (self.quits) co_return;
  }
}

// Removes keys that have ended although nobody asks for them. It runs on the reactor like
// everything else, so its work is bounded, and it goes on sooner when there is more to do.
myra::task<> sweep(kv::server& on) {
  using namespace std::chrono_literals;
  myra::duration pause = 100ms;
  while (co_await myra::sleep_for(on.reactor, pause)) {  // an error: the reactor is ending
    on.data.set_now(on.reactor.now());
    pause = on.data.sweep(500) == 500 ? 1ms : 100ms;
  }
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
  if (const auto status = config::configure(argc, argv, program)) return *status;

  const bool shows_counters = !options.metrics_address.empty();
  options.reactor.publish_counters |= shows_counters;
  auto reactor = myra::reactor::open(options.reactor);
  if (!reactor) return config::refuse(program.name, reactor.error());
  kv::server on{.bounds = limits, .reactor = std::move(*reactor)};
  auto listener = myra::listener::open(on.reactor, options.listener);
  if (!listener) return config::refuse(program.name, listener.error());
  std::optional<myra::metrics::exporter> exporter;
  if (shows_counters) {
    auto made = myra::metrics::exporter::open(on.reactor, {.address = options.metrics_address},
                                              {on.reactor.board()});
    if (!made) return config::refuse(program.name, made.error());
    exporter = std::move(*made);
  }
  listener->serve([&on](myra::connection peer) { return talk(std::move(peer), on); });
  myra::spawn(on.reactor, sweep(on));
  config::announce(on.reactor, *listener);
  if (exporter) config::announce_metrics(exporter->local());
  return on.reactor.run_until_signal(options.shutdown);
}
