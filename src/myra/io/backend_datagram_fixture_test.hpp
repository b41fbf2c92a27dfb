// What the cases of datagrams stand on.
#pragma once

#include <netinet/udp.h>

#include <array>
#include <deque>

#include "myra/io/backend_fixture_test.hpp"
#include "myra/io/datagram_operation.hpp"

namespace myra::io {

/// A datagram that came, written down.
struct received_datagram {
  std::string bytes;
  std::uint16_t port = 0;
  std::uint32_t size = 0;
  std::uint32_t segment_size = 0;
};

struct recorded_datagrams : receive_datagram_operation {
  recorded_datagrams(int socket, bool multishot_wanted) : receive_datagram_operation(&note) {
    descriptor = socket;
    multishot = multishot_wanted;
  }

  std::vector<received_datagram> came;
  std::vector<int> errors;
  bool keep_buffers = false;
  std::vector<buffer> kept;
  std::function<void()> then;

 private:
  static void note(operation& completed, completion& what) noexcept {
    auto& self = static_cast<recorded_datagrams&>(completed);
    if (what.from == nullptr) {
      self.errors.push_back(what.result);
    } else {
      received_datagram one;
      if (what.bytes) one.bytes = as_text(what.bytes.bytes());
      EXPECT_EQ(what.result, static_cast<int>(one.bytes.size()));
      one.size = what.from->size;
      one.segment_size = what.from->segment_size;
      EXPECT_EQ(what.from->peer_size, sizeof(sockaddr_in));
      if (what.from->peer->sa_family == AF_INET)
        one.port = ntohs(reinterpret_cast<const sockaddr_in*>(what.from->peer)->sin_port);
      self.came.push_back(std::move(one));
      if (self.keep_buffers) self.kept.push_back(std::move(what.bytes));
    }
    if (self.then) self.then();
  }
};

struct recorded_datagram_send : recorded<send_datagram_operation> {
  recorded_datagram_send(int socket, std::string text, const sockaddr_in* to = nullptr,
                         std::uint16_t segment_size = 0)
      : recorded<send_datagram_operation>(socket), held(std::move(text)) {
    envelope.address(as_bytes(held), reinterpret_cast<const sockaddr*>(to), sizeof *to,
                     segment_size);
    message = &envelope.header;
    size = static_cast<std::uint32_t>(held.size());
  }
  std::string held;
  send_envelope envelope;
};

class datagram_test : public backend_test {
 protected:
  /// A UDP socket of ours on 127.0.0.1; its address is left in `bound`.
  int udp_socket(sockaddr_in& bound) {
    const int socket = ours(engine->sockets().open(AF_INET, SOCK_DGRAM, 0));
    bind_near(socket, bound);
    return socket;
  }
  /// One of the test's own.
  peer udp_peer(sockaddr_in& bound) {
    peer made(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    bind_near(made.get(), bound);
    return made;
  }
  static void bind_near(int socket, sockaddr_in& bound) {
    bound = loopback();
    socklen_t size = sizeof bound;
    ASSERT_EQ(::bind(socket, as_address(bound), size), 0);
    ASSERT_EQ(::getsockname(socket, as_address(bound), &size), 0);
  }
  static void connect_near(int socket, const sockaddr_in& to) {
    ASSERT_EQ(::connect(socket, as_address(to), sizeof to), 0);
  }
  static void send_to(const peer& from, const sockaddr_in& to, std::string_view text) {
    ASSERT_EQ(::sendto(from.get(), text.data(), text.size(), 0, as_address(to), sizeof to),
              static_cast<ssize_t>(text.size()));
  }
  /// An address where nobody is.
  sockaddr_in nowhere() {
    sockaddr_in bound{};
    udp_peer(bound).close();
    return bound;
  }
  void stop(recorded_datagrams& unwanted) {
    engine->cancel(unwanted);
    EXPECT_TRUE(until([&] { return unwanted.idle(); }));
  }
  /// As a socket's owner does: armed again whenever it ended.
  void keep_armed(recorded_datagrams& receive) {
    if (receive.idle()) engine->submit(receive);
  }
};

}  // namespace myra::io
