// The libuv baseline of the validity gate: an idiomatic echo server on Debian's libuv.
//
// As in libuv's own guide, the buffer of each read is handed on to uv_write, which tries to send at
// once, and is free when the write's callback comes. Buffers and write requests are kept for the
// next read: with the guide's malloc and free of 64 KiB the C library's trimming is what is
// measured.

#include "sockets.hpp"

#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

namespace {

using namespace myra::bench;

struct echo_write {
  uv_write_t request;
  std::array<char, 65536> bytes;
};

std::vector<std::unique_ptr<echo_write>> free_writes;

echo_write* write_of(const uv_buf_t& buffer) {
  return reinterpret_cast<echo_write*>(buffer.base - offsetof(echo_write, bytes));
}

void free_stream(uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); }

void close_stream(uv_stream_t* stream) {
  auto* handle = reinterpret_cast<uv_handle_t*>(stream);
  if (uv_is_closing(handle) == 0) uv_close(handle, free_stream);
}

void lend_buffer(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
  if (free_writes.empty()) free_writes.push_back(std::make_unique<echo_write>());
  std::array<char, 65536>& bytes = free_writes.back().release()->bytes;
  free_writes.pop_back();
  *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
}

void on_written(uv_write_t* request, int status) {
  if (status < 0) close_stream(request->handle);
  free_writes.emplace_back(reinterpret_cast<echo_write*>(request));
}

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  echo_write* const write = buffer->base == nullptr ? nullptr : write_of(*buffer);
  if (size > 0) {
    const uv_buf_t echo = uv_buf_init(buffer->base, static_cast<unsigned>(size));
    if (uv_write(&write->request, stream, &echo, 1, on_written) == 0) return;
    close_stream(stream);
  }
  if (size < 0) close_stream(stream);
  if (write != nullptr) free_writes.emplace_back(write);
}

void on_connection(uv_stream_t* listener, int status) {
  if (status < 0) return;
  auto* const stream = new uv_tcp_t;
  uv_tcp_init(listener->loop, stream);
  auto* const handle = reinterpret_cast<uv_stream_t*>(stream);
  if (uv_accept(listener, handle) != 0) return close_stream(handle);
  uv_tcp_nodelay(stream, 1);
  uv_read_start(handle, lend_buffer, on_read);
}

void require(int status, const char* what) {
  if (status >= 0) return;
  std::fprintf(stderr, "%s: %s\n", what, uv_strerror(status));
  std::exit(1);
}

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"listen", "wait"}, {});
  const bool spin = options.is_second("wait", "block", "spin");
  const sockaddr_in address = parse_address(options.text("listen", "127.0.0.1:0"));
  raise_descriptor_limit();

  uv_loop_t* const loop = uv_default_loop();
  uv_signal_t stop;
  require(uv_signal_init(loop, &stop), "uv_signal_init");
  uv_signal_start(&stop, [](uv_signal_t* signal, int) { uv_stop(signal->loop); }, SIGTERM);
  uv_tcp_t listener;
  require(uv_tcp_init(loop, &listener), "uv_tcp_init");
  require(uv_tcp_bind(&listener, reinterpret_cast<const sockaddr*>(&address), 0), "uv_tcp_bind");
  require(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, on_connection), "uv_listen");
  uv_os_fd_t descriptor = -1;
  require(uv_fileno(reinterpret_cast<uv_handle_t*>(&listener), &descriptor), "uv_fileno");
  print_ready(descriptor, "epoll: libuv");
  if (!spin) return uv_run(loop, UV_RUN_DEFAULT) < 0 ? 1 : 0;
  bool stopped = false;
  stop.data = &stopped;
  uv_signal_start(
      &stop, [](uv_signal_t* signal, int) { *static_cast<bool*>(signal->data) = true; }, SIGTERM);
  while (!stopped) uv_run(loop, UV_RUN_NOWAIT);
}
