// Receiving: recv(2) into a slot of the pool.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "myra/io/epoll/epoll_backend.hpp"

namespace myra::io {
namespace {

/// Where the operation has no limit of its own: so many buffers may one connection take in a turn;
/// then the others are served.
constexpr std::uint32_t buffers_per_turn = 32;

}  // namespace

void epoll_backend::start_reader(operation& reader, bool poll_first) noexcept {
  watched_descriptor& on = table_[reader.descriptor.number()];
  if (on.reader != nullptr) return settle(reader, -EBUSY);
  on.reader = &reader;
  if (poll_first && !on.readable) {
    if (table_.watch(reader.descriptor.number(), descriptor_table::read_interest) == 0) return;
    // An attempt says what is wrong with the descriptor, in the words of recv(2).
  }
  list_reader(on, reader);
}

void epoll_backend::run_receive(watched_descriptor& on, receive_operation& receive) noexcept {
  std::uint32_t left = receive.turn_bytes_max != 0 ? receive.turn_bytes_max
                                                   : buffers_per_turn * pool_.slot_size_bytes();
  while (left != 0)
    if (!receive_once(on, receive, left)) return;
  list_reader(on, receive);
}

slot*& epoll_backend::spare_for(const receive_operation& receive) noexcept {
  const bool large = receive.large_buffers && large_pool_ != nullptr;
  slot*& spare = large ? large_spare_ : spare_;
  if (spare == nullptr) spare = (large ? *large_pool_ : pool_).lend_to_kernel();
  return spare;
}

/// Takes at most `left` bytes off the socket, and off `left`. Whether the operation is still armed
/// and the socket not drained.
bool epoll_backend::receive_once(watched_descriptor& on, receive_operation& receive,
                                 std::uint32_t& left) noexcept {
  slot*& spare = spare_for(receive);
  if (spare == nullptr) {
    ++counters_.no_buffer;
    on.readable = true;  // as far as is known: the next receive is to try
    end_reader(on, receive, -ENOBUFS);
    return false;
  }
  const std::uint32_t size = std::min(spare->room, left);
  ++counters_.kernel_entries;
  const ssize_t got = ::recv(receive.descriptor.number(), spare->memory, size, MSG_DONTWAIT);
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno == EAGAIN) {
    on.readable = false;
    on.read_on = false;
    arm_reader(on, receive);
    return false;
  }
  if (got <= 0) {
    end_reader(on, receive, got == 0 ? 0 : -errno);
    return false;
  }
  // A short read of a stream has drained it, and what comes later makes a new event (epoll(7)).
  // Urgent data, an end or an error in the way make it short as well; then read_on is set. (So do
  // descriptors that a Unix peer passes, which nobody takes here: what follows them waits for
  // more.)
  left -= static_cast<std::uint32_t>(got);
  const bool more_to_read = got == size || on.read_on;
  on.readable = more_to_read;
  completion what(static_cast<std::int32_t>(got));
  const bool stays = what.more = receive.multishot;
  what.more_to_read = more_to_read;
  what.bytes = spare->pool->from_kernel(spare->index, static_cast<std::uint32_t>(got));
  spare = nullptr;
  if (!stays) on.reader = nullptr;
  finish(receive, what);
  if (!stays || on.reader != &receive) return false;  // ended, or cancelled by its handler
  if (!more_to_read) arm_reader(on, receive);
  return more_to_read;
}

}  // namespace myra::io
