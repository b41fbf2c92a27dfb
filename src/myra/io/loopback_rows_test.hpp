// Whether rows of datagrams (UDP_SEGMENT, UDP_GRO; udp(7)) stay whole on their way over loopback.
#pragma once

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace myra::io {

/// By trial, without Myra: whether a row that is sent over loopback arrives as one. Older kernels
/// (5.10) cut it up before, and put together only what a network card brought.
[[nodiscard]] inline bool loopback_carries_rows() {
  const int from = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int to = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const at = reinterpret_cast<sockaddr*>(&address);
  const int on = 1;
  const int segment = 100;
  std::array<char, 200> row{};
  pollfd arrives{.fd = to, .events = POLLIN, .revents = 0};
  const bool sent = ::bind(to, at, size) == 0 && ::getsockname(to, at, &size) == 0 &&
                    ::setsockopt(to, SOL_UDP, UDP_GRO, &on, sizeof on) == 0 &&
                    ::setsockopt(from, SOL_UDP, UDP_SEGMENT, &segment, sizeof segment) == 0 &&
                    ::sendto(from, row.data(), row.size(), 0, at, size) > 0 &&
                    ::poll(&arrives, 1, 5000) == 1;
  const bool whole =
      sent && ::recv(to, row.data(), row.size(), 0) == static_cast<ssize_t>(row.size());
  ::close(from);
  ::close(to);
  return whole;
}

}  // namespace myra::io
