// The datagram baseline: an echo of datagrams on one UDP socket, by epoll, recvmmsg and sendmmsg.

#include "sockets.hpp"

#include <sys/epoll.h>

#include <array>
#include <vector>

namespace {

using namespace myra::bench;

constexpr unsigned batch_max = 64;
constexpr std::size_t datagram_size_max = 65536;

class datagram_echo {
 public:
  explicit datagram_echo(int socket) : socket_(socket), memory_(batch_max * datagram_size_max) {
    for (unsigned i = 0; i < batch_max; ++i) prepare(i);
  }

  /// Echoes all that is there.
  void drain() {
    for (;;) {
      const int received = ::recvmmsg(socket_, messages_.data(), batch_max, MSG_DONTWAIT, nullptr);
      if (received < 0 && errno == EAGAIN) return;
      if (received < 0) fail_system("recvmmsg", errno);
      const auto count = static_cast<unsigned>(received);
      for (unsigned i = 0; i < count; ++i) vectors_[i].iov_len = messages_[i].msg_len;
      send_all(count);
      for (unsigned i = 0; i < count; ++i) prepare(i);
      if (count < batch_max) return;
    }
  }

 private:
  void prepare(unsigned index) {
    vectors_[index] = {memory_.data() + index * datagram_size_max, datagram_size_max};
    msghdr& header = messages_[index].msg_hdr;
    header = {};
    header.msg_name = &peers_[index];
    header.msg_namelen = sizeof peers_[index];
    header.msg_iov = &vectors_[index];
    header.msg_iovlen = 1;
  }

  /// A datagram for which there is no room is lost, as it might be in a network.
  void send_all(unsigned count) {
    for (unsigned sent = 0; sent < count;) {
      const int taken = ::sendmmsg(socket_, messages_.data() + sent, count - sent, MSG_DONTWAIT);
      sent += taken > 0 ? static_cast<unsigned>(taken) : 1;
    }
  }

  int socket_;
  std::vector<char> memory_;
  std::array<sockaddr_in, batch_max> peers_;
  std::array<iovec, batch_max> vectors_;
  std::array<mmsghdr, batch_max> messages_;
};

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"listen"}, {});
  const int bound = open_bound(parse_address(options.text("listen", "127.0.0.1:0")));
  const int stop = open_stop_descriptor();
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) fail_system("epoll_create1", errno);
  for (const int descriptor : {bound, stop}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
    if (::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) != 0) fail_system("epoll_ctl", errno);
  }
  static datagram_echo server(bound);
  print_ready(bound, "epoll: raw datagrams");
  for (;;) {
    epoll_event event{};
    if (::epoll_wait(epoll, &event, 1, -1) != 1) continue;
    if (event.data.fd == stop) return 0;
    server.drain();
  }
}
