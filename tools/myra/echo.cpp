// myra echo: the server. Bytes go back in the buffers that they came in: nothing is copied.

#include <cstdint>
#include <memory>

#include "echo_client.hpp"
#include "myra/config/configure.hpp"
#include "myra/config/console.hpp"
#include "serve.hpp"
#include "verbs.hpp"

namespace myra::tool {
namespace {

/// One connection whose peer does not read what it is sent: one buffer waits here, we do not read
/// from the peer, and the kernel's window tells it. Owns itself until the peer has caught up or is
/// gone.
class backlog final : public connection_handler {
 public:
  backlog(connection_handler& usual, buffer unsent) noexcept
      : usual_(usual), unsent_(std::move(unsent)) {}

  void on_receive(connection&, message&) override {}  // paused

  void on_writable(connection& peer) override {
    peer.send(std::move(unsent_));
    peer.set_handler(usual_);
    peer.resume_receive();
    delete this;
  }

  void on_close(connection&, std::error_code) override { delete this; }

 private:
  connection_handler& usual_;
  buffer unsent_;
};

/// All other connections of a reactor, since it keeps nothing about any of them.
class echo final : public connection_handler {
 public:
  void on_receive(connection& peer, message& bytes) override {
    buffer back = bytes.detach();
    if (peer.send(std::move(back)) != send_status::back_pressured) return;
    peer.pause_receive();
    // NOLINTNEXTLINE(bugprone-use-after-move): it is moved from only when accepted
    peer.set_handler(*new backlog(*this, std::move(back)));
  }
};

constexpr const char* examples =
    "myra echo --listen 127.0.0.1:7000\n"
    "myra echo --listen '*:0' --backend epoll         # the kernel chooses the port\n"
    "myra echo --listen unix:/run/echo.sock\n"
    "myra echo --listen 127.0.0.1:7000 --wait spin    # lowest latency, a whole core\n"
    "myra echo --listen 127.0.0.1:7000 --threads 2 --stats\n"
    "myra echo --listen 127.0.0.1:7000 --metrics 127.0.0.1:9100 --latency turns\n"
    "myra echo --connect 127.0.0.1:7000               # a client that verifies every byte\n"
    "myra echo --connect 127.0.0.1:7000 --connections 50 --size 64KiB --bytes 1GiB";

}  // namespace

int run_echo(int argc, const char* const* argv) {
  config::options options;
  options.reactor.log = config::log_to_stderr("myra echo");
  echo_load load;
  serve_options how{.program = "myra echo"};
  const config::offered parts{.threads = true, .listener = true, .connect = true, .metrics = true};

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
  program.fields.push_back(config::time({"echo.answer_deadline", "answer-deadline"},
                                        "Client: no answer for so long is a failure. 0: for ever.",
                                        load.answer_deadline));
  program.check = [&]() -> std::string {
    if (options.listener.address.empty() == options.connect_to.empty()) {
      return "give either --listen HOST:PORT (the server) or --connect HOST:PORT (the client)";
    }
    return config::check(options, parts);
  };
  if (const auto status = config::configure(argc, argv, program)) return *status;

  if (!options.connect_to.empty()) return run_echo_client(options, load);
  return serve(options, how, [](reactor&) { return std::make_unique<echo>(); });
}

}  // namespace myra::tool
