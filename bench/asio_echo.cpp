// The Asio baseline of the validity gate: an idiomatic echo server on Debian's Asio, built once for
// its epoll reactor and once for io_uring.
//
// One io_context on one thread, async_read_some and async_write on each connection, handlers that
// keep the session alive by shared_ptr: what Asio's own documentation shows.

#include "sockets.hpp"

#define ASIO_STANDALONE 1
#define ASIO_NO_DEPRECATED 1
#include <asio.hpp>

#include <array>
#include <memory>
#include <utility>

namespace {

using asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
 public:
  explicit session(tcp::socket socket) : socket_(std::move(socket)) {}

  void read() {
    socket_.async_read_some(
        asio::buffer(data_),
        [self = shared_from_this()](const asio::error_code& error, std::size_t size) {
          if (!error) self->write(size);
        });
  }

 private:
  void write(std::size_t size) {
    asio::async_write(socket_, asio::buffer(data_, size),
                      [self = shared_from_this()](const asio::error_code& error, std::size_t) {
                        if (!error) self->read();
                      });
  }

  tcp::socket socket_;
  std::array<char, 4096> data_;
};

void accept_next(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](const asio::error_code& error, tcp::socket socket) {
    if (!error) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<session>(std::move(socket))->read();
    }
    accept_next(acceptor);
  });
}

}  // namespace

int main(int argc, char** argv) {
  using namespace myra::bench;
  const command_line options(argc, argv, {"listen", "wait"}, {});
  const bool spin = options.is_second("wait", "block", "spin");
  const sockaddr_in address = parse_address(options.text("listen", "127.0.0.1:0"));
  raise_descriptor_limit();

  asio::io_context context(1);
  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&context](const asio::error_code&, int) { context.stop(); });
  tcp::acceptor acceptor(
      context,
      tcp::endpoint(asio::ip::address_v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)));
  accept_next(acceptor);
#if defined(ASIO_HAS_IO_URING_AS_DEFAULT)
  print_ready(acceptor.native_handle(), "uring: Asio");
#else
  print_ready(acceptor.native_handle(), "epoll: Asio");
#endif
  while (spin && !context.stopped()) context.poll();
  context.run();
}
