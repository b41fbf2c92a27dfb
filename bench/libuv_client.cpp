// A client on Debian's libuv, in a closed loop: what a client on it costs.

#include "echo_flow.hpp"
#include "sockets.hpp"

#include <uv.h>

#include <array>
#include <deque>

namespace {

using namespace myra::bench;

std::array<char, 65536> scratch;  // of the read under way: one at a time, on one thread

class client {
 public:
  client(uv_loop_t& loop, std::uint32_t number, const load_request& request, echo_phase& phase)
      : phase_(phase), flow_(number, request, phase) {
    uv_tcp_init(&loop, &tcp_);
    if (uv_tcp_open(&tcp_, connect_to(request.server, number)) != 0) fail_run("uv_tcp_open");
    tcp_.data = this;
    write_.data = this;
    start_reading();
  }

  void begin() { send(flow_.begin()); }

 private:
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp_); }

  void on_read(ssize_t size) {
    if (size == 0) return;  // EAGAIN, in libuv's words
    if (size < 0) fail_run(std::string("receive: ") + uv_strerror(static_cast<int>(size)));
    const auto next = flow_.take(scratch.data(), static_cast<std::size_t>(size));
    if (phase_.is_over()) return uv_stop(tcp_.loop);
    if (!next.empty()) send(next);
  }

  /// uv_try_write sends at once what goes; the rest is a request, and until it is done nothing is
  /// read, since a reply would make more to send.
  void send(std::span<const char> bytes) {
    uv_buf_t buffer =
        uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int sent = uv_try_write(stream(), &buffer, 1);
    if (sent < 0 && sent != UV_EAGAIN) fail_run(std::string("send: ") + uv_strerror(sent));
    const std::size_t taken = sent < 0 ? 0 : static_cast<std::size_t>(sent);
    if (taken == bytes.size()) return;
    buffer = uv_buf_init(buffer.base + taken, static_cast<unsigned>(bytes.size() - taken));
    uv_read_stop(stream());
    uv_write(&write_, stream(), &buffer, 1, [](uv_write_t* done, int status) {
      if (status < 0) fail_run(std::string("send: ") + uv_strerror(status));
      static_cast<client*>(done->data)->start_reading();
    });
  }

  void start_reading() {
    uv_read_start(
        stream(),
        [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
          *buffer = uv_buf_init(scratch.data(), static_cast<unsigned>(scratch.size()));
        },
        [](uv_stream_t* from, ssize_t size, const uv_buf_t*) {
          static_cast<client*>(from->data)->on_read(size);
        });
  }

  echo_phase& phase_;
  echo_flow flow_;
  uv_tcp_t tcp_;
  uv_write_t write_;
};

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, load_option_names, {"count-entries"});
  const load_request request = request_of(options);
  if (options.text("mode", "closed") != "closed") fail_usage("--mode closed is all there is");
  allow_only(options, {"connections", "depth"}, "this client");
  raise_descriptor_limit();
  uv_loop_t* const loop = uv_default_loop();
  echo_phase phase;
  std::deque<client> clients;
  for (std::uint32_t i = 0; i < request.connections; ++i) {
    clients.emplace_back(*loop, i, request, phase);
  }
  const auto run = [&](std::chrono::milliseconds duration, load_result& result) {
    phase.begin(duration, result);
    for (client& one : clients) one.begin();
    uv_run(loop, UV_RUN_DEFAULT);
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
