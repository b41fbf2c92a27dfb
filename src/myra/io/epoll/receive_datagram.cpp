// Receiving datagrams: recvmmsg(2) into slots of the pool.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "myra/io/epoll/epoll_backend.hpp"

namespace myra::io {
namespace {

/// As many calls may one socket have in a turn; then the others are served.
constexpr unsigned calls_per_turn = 4;

}  // namespace

/// Takes up to `wanted` slots and makes a header for each; how many there were.
unsigned epoll_backend::lend_for_datagrams(unsigned wanted) noexcept {
  const std::uint32_t size = pool_.slot_size_bytes() - datagram_headroom_bytes;
  unsigned count = 0;
  for (; count < wanted; ++count) {
    slot* lent = pool_.lend_to_kernel();
    if (lent == nullptr) break;
    incoming_.slots[count] = lent;
    incoming_.envelopes[count].open(lent->memory, size);
    incoming_.headers[count] = {incoming_.envelopes[count].header, 0};
  }
  return count;
}

void epoll_backend::run_receive_datagrams(watched_descriptor& on,
                                          receive_datagram_operation& receive) noexcept {
  for (unsigned call = 0; call < calls_per_turn; ++call) {
    const unsigned room = lend_for_datagrams(receive.multishot ? incoming_.wanted : 1);
    if (room == 0) {
      ++counters_.no_buffer;
      on.readable = true;  // as far as is known: the next receive is to try
      return end_reader(on, receive, -ENOBUFS);
    }
    ++counters_.kernel_entries;
    const int got = ::recvmmsg(receive.descriptor.number(), incoming_.headers.data(), room,
                               MSG_DONTWAIT | MSG_TRUNC, nullptr);
    const int error = errno;
    const auto count = static_cast<unsigned>(std::max(got, 0));
    for (unsigned i = count; i < room; ++i) pool_.reclaim(*incoming_.slots[i]);
    if (got < 0 && error == EINTR) continue;
    if (got < 0 && error != EAGAIN) return end_reader(on, receive, -error);
    // Fewer than there was room for have drained the socket, unless an error stopped the call:
    // that is told by the next one.
    on.readable = count == room || (count > 0 && on.read_on);
    if (count == 0) on.read_on = false;
    incoming_.wanted = std::min(2 * count + 1, received_count_max);
    if (!deliver_datagrams(on, receive, count)) return;
    if (!on.readable) return arm_reader(on, receive);
  }
  list_reader(on, receive);
}

/// Whether the operation is still armed.
bool epoll_backend::deliver_datagrams(watched_descriptor& on, receive_datagram_operation& receive,
                                      unsigned count) noexcept {
  // A handler that cancels now leaves a mark; what has come is delivered first, as io_uring does.
  on.reader_listed = true;
  for (unsigned i = 0; i < count; ++i) {
    const std::uint32_t size = incoming_.headers[i].msg_len;
    const std::uint32_t room = pool_.slot_size_bytes() - datagram_headroom_bytes;
    const arrival from = read_arrival(incoming_.headers[i].msg_hdr, size);
    completion what(static_cast<std::int32_t>(std::min(size, room)),
                    pool_.from_kernel(incoming_.slots[i]->index, std::min(size, room)));
    what.from = &from;
    what.more = receive.multishot;
    if (!what.more) {
      on.reader_listed = false;
      on.reader = nullptr;
      finish(receive, what);
      return false;
    }
    finish(receive, what);
  }
  on.reader_listed = false;
  if (!receive.cancelled) return true;
  end_reader(on, receive, -ECANCELED);
  return false;
}

}  // namespace myra::io
