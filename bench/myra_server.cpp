// The servers of the benchmark that `myra echo` is not: a receiver of bulk streams that checks and
// counts, and an echo of datagrams.
//
//   myra-server --listen 127.0.0.1:0 --role sink --reactor.pool.slot-size-bytes 65536
//   myra-server --listen 127.0.0.1:0 --role datagrams --backend epoll

#include <span>

#include "bulk_content.hpp"
#include "myra/config/configure.hpp"
#include "myra/config/console.hpp"
#include "myra/transport.hpp"

namespace {

namespace config = myra::config;

constexpr const char* program_name = "myra-server";

enum class role : std::uint8_t { sink, datagrams };

/// One stream; owns itself until it is over.
class sink final : public myra::connection_handler {
 public:
  void on_receive(myra::connection& peer, myra::message& message) override {
    const myra::byte_view bytes = message.bytes();
    if (!checker_.take(reinterpret_cast<const char*>(bytes.data()), bytes.size())) peer.abort();
  }

  void on_end(myra::connection& peer) override {
    peer.send_copy(std::as_bytes(std::span(&checker_.verdict(), 1)));
    peer.close();
  }

  void on_close(myra::connection&, std::error_code) override { delete this; }

 private:
  myra::bench::bulk_checker checker_;
};

/// Gives each connection a sink of its own.
class door final : public myra::connection_handler {
 public:
  void on_open(myra::connection& peer) override { peer.set_handler(*new sink); }
  void on_receive(myra::connection&, myra::message&) override {}
};

class datagram_echo final : public myra::datagram_handler {
 public:
  void on_datagram(myra::datagram_socket& on, myra::lent_datagram& came) override {
    // What finds the queue full is lost, as it might be in a network.
    static_cast<void>(on.send(came.detach(), came.peer()));
  }
};

int serve_streams(const config::options& options, myra::reactor& on) {
  auto listener = myra::listener::open(on, options.listener);
  if (!listener) return config::refuse(program_name, listener.error());
  door opens;
  listener->serve(opens);
  config::announce(on, *listener);
  return on.run_until_signal(options.shutdown);
}

int serve_datagrams(const config::options& options, myra::reactor& on) {
  auto socket = myra::datagram_socket::open(on, {.address = options.listener.address});
  if (!socket) return config::refuse(program_name, socket.error());
  datagram_echo echo;
  socket->serve(echo);
  config::announce(on, socket->local());
  return on.run_until_signal(options.shutdown);
}

}  // namespace

int main(int argc, char** argv) {
  config::options options;
  options.listener.address = "127.0.0.1:0";
  options.reactor.log = config::log_to_stderr(program_name);
  role chosen = role::sink;
  const config::offered parts{.threads = false, .listener = true, .connect = false};
  config::program program{
      .name = program_name,
      .summary = "A server for measurements: bulk streams or datagrams.",
      .examples = "myra-server --role datagrams",
      .fields = config::fields_of(options, parts),
      .check = [&] { return config::check(options, parts); },
  };
  program.fields.push_back(
      config::choice<role>({"server.role", "role"}, "What it does with what comes.", chosen,
                           {{"sink", role::sink}, {"datagrams", role::datagrams}}));
  if (const auto status = config::configure(argc, argv, program)) return *status;
  auto reactor = myra::reactor::open(options.reactor);
  if (!reactor) return config::refuse(program_name, reactor.error());
  return chosen == role::sink ? serve_streams(options, *reactor)
                              : serve_datagrams(options, *reactor);
}
