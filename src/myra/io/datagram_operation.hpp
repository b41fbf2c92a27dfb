// Operations on datagrams: what recvmsg(2) and sendmsg(2) do with one, with its peer's address.
//
// A datagram that came in is one buffer. With UDP_GRO (udp(7)) the kernel may have put several of
// one peer behind each other in it: all of `segment_size`, but for the last, which may be shorter.
// With UDP_SEGMENT it takes such a row to be sent.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "myra/core/bytes.hpp"
#include "myra/io/operation.hpp"

namespace myra::io {

/// Where a datagram came from, and how.
struct arrival {
  const sockaddr* peer = nullptr;
  socklen_t peer_size = 0;         ///< 0: the kernel did not say.
  std::uint32_t size = 0;          ///< Of all that came: more than the buffer has when truncated.
  std::uint32_t segment_size = 0;  ///< 0: it is one datagram.
};

/// That much less than a slot can a datagram have, or it is truncated: a backend may need the
/// slot's start for what the kernel tells of it. The same for all backends.
inline constexpr std::uint32_t datagram_headroom_bytes = 80;

/// Room for what recvmsg(2) tells beside the bytes: an address of IPv4 or IPv6, and the segments'
/// size.
struct receive_envelope {
  static constexpr std::size_t peer_size_max = 32;
  static constexpr std::size_t control_size_max = 32;

  msghdr header{};
  iovec part{};
  alignas(8) std::array<std::byte, peer_size_max> peer;
  alignas(cmsghdr) std::array<std::byte, control_size_max> control;

  /// Makes the header ready for a receive of `size` bytes at most to `target`.
  void open(std::byte* target, std::size_t size) noexcept {
    part = {target, size};
    header = {};
    header.msg_name = peer.data();
    header.msg_namelen = peer_size_max;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control_size_max;
  }
};

/// What a header says that recvmsg(2) has filled for a datagram of `size` bytes; borrowed from it.
[[nodiscard]] arrival read_arrival(const msghdr& told, std::uint32_t size) noexcept;

/// What sendmsg(2) wants to know of a datagram, or of a row of them.
struct send_envelope {
  msghdr header{};
  iovec part{};
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint16_t))> control;

  /// `bytes` and `to` are borrowed until the send has completed; `to` is null on a connected
  /// socket. With a `segment_size` the kernel cuts the bytes into datagrams of that size.
  void address(byte_view bytes, const sockaddr* to, socklen_t to_size,
               std::uint16_t segment_size) noexcept;
};

/// recvmsg(2) of one datagram, or of one after the other (multishot), into buffers that the backend
/// brings. Completes with the count of bytes in the buffer, and with `completion::from`. An empty
/// datagram completes with 0, may come without a buffer, and ends a multishot operation on some
/// kernels. -ENOBUFS as for streams; an error of the socket, such as -ECONNREFUSED, ends the
/// operation and nothing else: arm it again.
struct receive_datagram_operation : operation {
  explicit receive_datagram_operation(completion_handler handler) noexcept
      : operation(operation_kind::receive_datagram, handler) {}
  bool multishot = true;
  /// As for streams.
  bool poll_first = true;
  /// For the backend.
  receive_envelope envelope;
};

/// sendmsg(2) of one datagram, whole or not at all: completes with its size or with an error that
/// is its own, such as -EMSGSIZE, or the socket's. Any number may be in flight on one socket. They
/// leave in the order of submission, but for those that found the socket's send buffer full.
///
/// `silent` as for streams: one attempt that does not wait, and whose success wakes nobody.
struct send_datagram_operation : operation {
  explicit send_datagram_operation(completion_handler handler) noexcept
      : operation(operation_kind::send_datagram, handler) {}
  const msghdr* message = nullptr;  ///< Stays, with all that it points to, until the completion.
  std::uint32_t size = 0;           ///< The sum of all bytes.
  bool silent = false;
};

/// Whether the kernel cuts a row of datagrams itself (UDP_SEGMENT, Linux 4.18), and whether it puts
/// what comes into rows (UDP_GRO, Linux 5.0): found by trial.
[[nodiscard]] bool kernel_segments_datagrams() noexcept;
[[nodiscard]] bool kernel_coalesces_datagrams() noexcept;

}  // namespace myra::io
