// myra echo: the server. Bytes go back in the buffers that they came in: nothing is copied.

#include <cstdint>
#include <memory>

#include "console.hpp"
#include "echo_client.hpp"
#include "myra/config/configure.hpp"
#include "myra/io/task.hpp"
#include "serve.hpp"
#include "verbs.hpp"

namespace myra::tool {
namespace {

/// One connection of the server. When the peer does not read what it is sent, we stop reading from
/// it: then one buffer waits here, and the kernel's window tells the peer.
class echo final : public connection_handler {
 public:
  void on_receive(connection& peer, message& bytes) override { give_back(peer, bytes.detach()); }

  void on_writable(connection& peer) override {
    if (unsent_ && !give_back(peer, std::move(unsent_))) return;
    peer.resume_receive();
  }

 private:
  bool give_back(connection& peer, buffer bytes) {
    if (peer.send(std::move(bytes)) != send_status::back_pressured) return true;
    unsent_ = std::move(bytes);
    peer.pause_receive();
    return false;
  }

  buffer unsent_;
};

class echo_service final : public service {
 public:
  void serve(reactor&, listener& from) override {
    from.serve([]() -> std::unique_ptr<connection_handler> { return std::make_unique<echo>(); });
  }
};

constexpr const char* examples =
    "myra echo --listen 127.0.0.1:7000\n"
    "myra echo --listen '*:0' --backend epoll         # the kernel chooses the port\n"
    "myra echo --listen unix:/run/echo.sock\n"
    "myra echo --listen 127.0.0.1:7000 --wait spin    # lowest latency, a whole core\n"
    "myra echo --listen 127.0.0.1:7000 --threads 2 --stats\n"
    "myra echo --connect 127.0.0.1:7000               # a client that verifies every byte\n"
    "myra echo --connect 127.0.0.1:7000 --connections 50 --size 64KiB --bytes 1GiB";

}  // namespace

int run_echo(int argc, const char* const* argv) {
  config::options options;
  options.reactor.log = log_to_stderr("myra echo");
  echo_load load;
  serve_options how{.program = "myra echo"};
  const config::offered parts{.threads = true, .listener = true, .connect = true};

  config::program program{
      .name = "myra echo",
      .summary =
          "With --listen, sends back what it gets; with --connect, drives such a server and "
          "verifies every byte.",
      .examples = examples,
      .fields = config::fields_of(options, parts),
      .check = {},
  };
  program.fields.push_back(config::flag(
      {"echo.stats", "stats"},
      "Server: print counters as one JSON line on standard error at the end.", how.stats));
  program.fields.push_back(config::number({"echo.connections", "connections"},
                                          "Client: connections at a time.", load.connections,
                                          {.least = 1, .most = 100'000}));
  program.fields.push_back(config::size({"echo.size", "size"}, "Client: bytes of a message.",
                                        load.message_size, {.least = 1, .most = 1 << 20}));
  program.fields.push_back(config::size({"echo.bytes", "bytes"}, "Client: bytes to send, all told.",
                                        load.bytes_total, {.least = 1}));
  program.check = [&]() -> std::string {
    if (options.listener.address.empty() == options.connect_to.empty()) {
      return "give either --listen HOST:PORT (the server) or --connect HOST:PORT (the client)";
    }
    return config::check(options, parts);
  };
  if (const auto status = config::configure(argc, argv, program)) return *status;

  if (!options.connect_to.empty()) return run_echo_client(options, load);
  return serve(options, how, [] { return std::make_unique<echo_service>(); });
}

}  // namespace myra::tool
