// Sending datagrams: each goes at once, whole or not at all; a row of them (UDP_SEGMENT, udp(7)) is
// cut here.
#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "myra/io/datagram_operation.hpp"
#include "myra/io/sim/errors.hpp"
#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {
namespace {

using sim::fault;

/// 0: it is no row.
std::size_t segment_size_of(const msghdr& message) noexcept {
  std::uint16_t size = 0;
  if (message.msg_controllen < CMSG_LEN(sizeof size)) return 0;
  const cmsghdr* told = CMSG_FIRSTHDR(&message);
  // not payload: a control message
  if (told->cmsg_type == UDP_SEGMENT) std::memcpy(&size, CMSG_DATA(told), sizeof size);
  return size;
}

}  // namespace

void sim_backend::start_send_datagram(flight& begun) noexcept {
  auto& send = static_cast<send_datagram_operation&>(*begun.op);
  sim::socket& on = *begun.on;
  if (!on.datagrams) return complete(begun, -EOPNOTSUPP);
  const int chosen = chosen_failure(begun, on);
  std::int64_t status = -chosen;
  if (chosen == 0 && world_.strikes(fault::send_error, on)) status = -ENOBUFS;
  if (status == 0) status = send_row(on, send);
  if (status < 0 || !send.silent) return complete(begun, static_cast<std::int32_t>(status));
  begun.done = send.size;
  begun.all_is_sent = true;
  silent_.push_back(begun.op);
}

std::int64_t sim_backend::send_row(sim::socket& on, const send_datagram_operation& send) {
  const msghdr& message = *send.message;
  const sim::address to(static_cast<const sockaddr*>(message.msg_name), message.msg_namelen);
  byte_view left(static_cast<const std::byte*>(message.msg_iov->iov_base), send.size);
  const std::size_t segment = segment_size_of(message);
  do {
    const byte_view next = segment == 0 ? left : left.first(std::min(segment, left.size()));
    if (const std::int64_t sent = world_.send_datagram(on, to, next); sent < 0) return sent;
    left = left.subspan(next.size());
  } while (!left.empty());
  return send.size;
}

}  // namespace myra::io
