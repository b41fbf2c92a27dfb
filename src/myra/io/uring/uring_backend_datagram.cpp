// What io_uring brings of datagrams.
#include <algorithm>
#include <cerrno>

#include "myra/io/uring/receive_datagram.hpp"
#include "myra/io/uring/uring_backend.hpp"

namespace myra::io {

buffer uring_backend::buffer_of(const io_uring_cqe& cqe) noexcept {
  if ((cqe.flags & IORING_CQE_F_BUFFER) == 0) return {};
  return groups_[whole_group]->take(cqe.flags >> IORING_CQE_BUFFER_SHIFT, 0);
}

void uring_backend::take_datagram(operation& completed, const io_uring_cqe& cqe,
                                  bool more) noexcept {
  auto& receive = static_cast<receive_datagram_operation&>(completed);
  arrival from;
  completion what(cqe.res, buffer_of(cqe));
  what.more = more;
  if (cqe.res < 0) {
    what.bytes.release();
    if (cqe.res == -ENOBUFS) ++counters_.no_buffer;
    return completed.complete(what);
  }
  const auto size = static_cast<std::uint32_t>(cqe.res);
  if (receive.multishot) {
    what.bytes.resize(size);
    from = unwrap(what.bytes);
  } else {
    from = read_arrival(receive.envelope.header, size);
    const std::uint32_t room = groups_[whole_group]->size_bytes() - datagram_headroom_bytes;
    if (what.bytes) what.bytes.resize(std::min(size, room));
  }
  what.result = static_cast<std::int32_t>(what.bytes.size());
  what.from = &from;
  completed.complete(what);
}

}  // namespace myra::io
