// The libuv baseline of the validity gate: an idiomatic echo server on Debian's libuv.
//
// The read buffer is the loop's own, because the echo is tried at once with uv_try_write and only
// what the socket did not take is copied into a write request. While such a request is under way
// the connection is not read.

#include "sockets.hpp"

#include <uv.h>

#include <array>
#include <cstdlib>
#include <vector>

namespace {

using namespace myra::bench;

std::array<char, 65536> read_buffer;  // libuv fills and hands it back within one callback

struct pending_write {
  uv_write_t request;
  std::vector<char> bytes;
};

void free_stream(uv_handle_t* handle) { delete reinterpret_cast<uv_tcp_t*>(handle); }

void close_stream(uv_stream_t* stream) {
  auto* handle = reinterpret_cast<uv_handle_t*>(stream);
  if (uv_is_closing(handle) == 0) uv_close(handle, free_stream);
}

void lend_buffer(uv_handle_t*, std::size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(read_buffer.data(), read_buffer.size());
}

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer);

void on_written(uv_write_t* request, int status) {
  uv_stream_t* const stream = request->handle;
  delete static_cast<pending_write*>(request->data);
  if (status < 0) return close_stream(stream);
  uv_read_start(stream, lend_buffer, on_read);
}

void write_rest(uv_stream_t* stream, const char* begin, const char* end) {
  uv_read_stop(stream);
  auto* const pending = new pending_write{{}, {begin, end}};
  pending->request.data = pending;
  uv_buf_t buffer =
      uv_buf_init(pending->bytes.data(), static_cast<unsigned>(pending->bytes.size()));
  if (uv_write(&pending->request, stream, &buffer, 1, on_written) != 0) {
    delete pending;
    close_stream(stream);
  }
}

void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
  if (size < 0) return close_stream(stream);
  if (size == 0) return;
  uv_buf_t echo = uv_buf_init(buffer->base, static_cast<unsigned>(size));
  const int written = uv_try_write(stream, &echo, 1);
  if (written < 0 && written != UV_EAGAIN) return close_stream(stream);
  const int taken = written < 0 ? 0 : written;
  if (taken < size) write_rest(stream, buffer->base + taken, buffer->base + size);
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
