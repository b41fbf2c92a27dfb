// Receiving: recv(2) into a slot of the pool.
#include <sys/socket.h>

#include <cerrno>

#include "myra/io/epoll/epoll_backend.hpp"

namespace myra::io {
namespace {

/// As many buffers may one connection take in a turn; then the others are served.
constexpr unsigned buffers_per_turn = 32;

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
  for (unsigned taken = 0; taken < buffers_per_turn; ++taken)
    if (!receive_once(on, receive)) return;
  list_reader(on, receive);
}

/// Whether the operation is still armed and the socket not drained.
bool epoll_backend::receive_once(watched_descriptor& on, receive_operation& receive) noexcept {
  if (spare_ == nullptr) spare_ = pool_.lend_to_kernel();
  if (spare_ == nullptr) {
    ++counters_.no_buffer;
    on.readable = true;  // as far as is known: the next receive is to try
    end_reader(on, receive, -ENOBUFS);
    return false;
  }
  const std::uint32_t size = pool_.slot_size_bytes();
  ++counters_.kernel_entries;
  const ssize_t got = ::recv(receive.descriptor.number(), spare_->memory, size, MSG_DONTWAIT);
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
  const bool more_to_read = got == size || on.read_on;
  on.readable = more_to_read;
  completion what(static_cast<std::int32_t>(got));
  const bool stays = what.more = receive.multishot;
  what.more_to_read = more_to_read;
  what.bytes = pool_.from_kernel(spare_->index, static_cast<std::uint32_t>(got));
  spare_ = nullptr;
  if (!stays) on.reader = nullptr;
  finish(receive, what);
  if (!stays || on.reader != &receive) return false;  // ended, or cancelled by its handler
  if (!more_to_read) arm_reader(on, receive);
  return more_to_read;
}

}  // namespace myra::io
