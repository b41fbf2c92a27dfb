#include "myra/io/datagram_operation.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace myra::io {
namespace {

bool socket_takes(int option) noexcept {
  const int trial = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (trial < 0) return false;
  const int value = option == UDP_SEGMENT ? 0 : 1;  // 0: as no segments, but known
  const bool taken = ::setsockopt(trial, IPPROTO_UDP, option, &value, sizeof value) == 0;
  ::close(trial);
  return taken;
}

}  // namespace

arrival read_arrival(const msghdr& told, std::uint32_t size) noexcept {
  arrival found{.peer = static_cast<const sockaddr*>(told.msg_name),
                .peer_size = std::min<socklen_t>(told.msg_namelen, receive_envelope::peer_size_max),
                .size = size};
  if (told.msg_controllen < sizeof(cmsghdr)) return found;
  auto* header = const_cast<msghdr*>(&told);  // the macros take no other
  for (cmsghdr* at = CMSG_FIRSTHDR(header); at != nullptr; at = CMSG_NXTHDR(header, at)) {
    if (at->cmsg_level != IPPROTO_UDP || at->cmsg_type != UDP_GRO) continue;
    int segment_size = 0;
    if (at->cmsg_len < CMSG_LEN(sizeof segment_size)) continue;
    // not payload: a control message
    std::memcpy(&segment_size, CMSG_DATA(at), sizeof segment_size);
    // A row of one is a datagram.
    if (segment_size > 0 && static_cast<std::uint32_t>(segment_size) < size)
      found.segment_size = static_cast<std::uint32_t>(segment_size);
  }
  return found;
}

void send_envelope::address(byte_view bytes, const sockaddr* to, socklen_t to_size,
                            std::uint16_t segment_size) noexcept {
  // Neither is written to (sendmsg(2)).
  part = {const_cast<std::byte*>(bytes.data()), bytes.size()};
  header = {};
  header.msg_name = const_cast<sockaddr*>(to);
  header.msg_namelen = to == nullptr ? 0 : to_size;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (segment_size == 0) return;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* first = CMSG_FIRSTHDR(&header);
  first->cmsg_level = IPPROTO_UDP;
  first->cmsg_type = UDP_SEGMENT;
  first->cmsg_len = CMSG_LEN(sizeof segment_size);
  // not payload: a control message
  std::memcpy(CMSG_DATA(first), &segment_size, sizeof segment_size);
}

bool kernel_segments_datagrams() noexcept { return socket_takes(UDP_SEGMENT); }
bool kernel_coalesces_datagrams() noexcept { return socket_takes(UDP_GRO); }

}  // namespace myra::io
