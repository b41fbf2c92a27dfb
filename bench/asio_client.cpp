// A client on Debian's Asio, in a closed loop: what a client on it costs. Built once for its epoll
// reactor and once for io_uring.

#include "echo_flow.hpp"
#include "sockets.hpp"

#define ASIO_STANDALONE 1
#define ASIO_NO_DEPRECATED 1
#include <asio.hpp>

#include <array>
#include <memory>

namespace {

using namespace myra::bench;
using asio::ip::tcp;

class client {
 public:
  client(asio::io_context& context, std::uint32_t number, const load_request& request,
         echo_phase& phase)
      : context_(context), phase_(phase), socket_(context), flow_(number, request, phase) {
    const asio::ip::address_v4 host(ntohl(request.server.sin_addr.s_addr));
    socket_.connect({host, ntohs(request.server.sin_port)});
    socket_.set_option(tcp::no_delay(true));
  }

  void begin() { write(flow_.begin()); }

 private:
  void write(std::span<const char> bytes) {
    asio::async_write(socket_, asio::buffer(bytes.data(), bytes.size()),
                      [this](const asio::error_code& error, std::size_t) {
                        if (error) fail_run("send: " + error.message());
                        read();
                      });
  }

  void read() {
    socket_.async_read_some(asio::buffer(data_),
                            [this](const asio::error_code& error, std::size_t size) {
                              if (error) fail_run("receive: " + error.message());
                              take(flow_.take(data_.data(), size));
                            });
  }

  void take(std::span<const char> next) {
    if (phase_.is_over()) return context_.stop();
    if (!next.empty()) return write(next);
    if (!flow_.is_idle()) read();
  }

  asio::io_context& context_;
  echo_phase& phase_;
  tcp::socket socket_;
  echo_flow flow_;
  std::array<char, 65536> data_;
};

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, load_option_names, {"count-entries"});
  const load_request request = request_of(options);
  if (options.text("mode", "closed") != "closed") fail_usage("--mode closed is all there is");
  allow_only(options, {"connections", "depth"}, "this client");
  raise_descriptor_limit();
  asio::io_context context(1);
  echo_phase phase;
  std::vector<std::unique_ptr<client>> clients;
  for (std::uint32_t i = 0; i < request.connections; ++i) {
    clients.push_back(std::make_unique<client>(context, i, request, phase));
  }
  const auto run = [&](std::chrono::milliseconds duration, load_result& result) {
    phase.begin(duration, result);
    for (const auto& one : clients) one->begin();
    context.restart();
    context.run();
  };
  load_result warm_up;
  run(request.warm_up, warm_up);
  const server_probe probe = probe_of(options);
  load_result result;
  const phase_meter meter(probe);
  run(request.duration, result);
  meter.finish(result);
  print_report(result);
}
