// What the backend knows of each descriptor: which operations wait on it, what the kernel has
// reported, and which life of the number this is.
//
// Descriptor numbers are reused. Every entry therefore has a generation, which the kernel gives
// back with each event; an event of an earlier life is recognised by it and dropped. A life begins
// and ends in `forget`: when a socket is opened, accepted, adopted or closed through the backend.
#pragma once

#include <sys/epoll.h>

#include <cassert>
#include <cstdint>
#include <vector>

#include "myra/io/operation.hpp"

namespace myra::io {

/// 32 bytes: this is what an idle connection costs here.
struct watched_descriptor {
  operation* reader = nullptr;  ///< The armed receive or accept.
  operation* writer = nullptr;  ///< The send or connect that waits, or a row of datagrams.
  operation* polls = nullptr;   ///< Polls, linked through backend_next.
  std::uint32_t interest = 0;   ///< What the kernel was asked to watch; 0: not registered.
  std::uint16_t generation = 0;
  bool readable : 1 = false;  ///< An attempt to read may find something.
  /// The peer has ended, or there is urgent data or an error: a short read does not mean that
  /// nothing is left, and no further event will come for it.
  bool read_on : 1 = false;
  bool reader_listed : 1 = false;  ///< The reader is in the backend's list of attempts.
  bool writer_listed : 1 = false;  ///< The writer is in the backend's list of retries.
};

/// Registers descriptors with an epoll instance, edge-triggered (epoll(7)), each once.
class descriptor_table {
 public:
  static constexpr std::uint32_t read_interest = EPOLLIN | EPOLLPRI | EPOLLRDHUP;
  static constexpr std::uint32_t write_interest = EPOLLOUT;

  /// `epoll_descriptor` stays its caller's.
  explicit descriptor_table(int epoll_descriptor) noexcept : epoll_descriptor_(epoll_descriptor) {}

  /// Makes sure that `descriptor` has an entry. Allocates when the number is larger than any
  /// before. Returns 0, -EBADF when that is no open descriptor, or -ENOMEM. Entries move.
  [[nodiscard]] int admit(int descriptor) noexcept {
    return admitted(descriptor) ? 0 : grow(descriptor);
  }
  [[nodiscard]] bool admitted(int descriptor) const noexcept {
    return static_cast<std::size_t>(descriptor) < entries_.size();
  }

  /// The entry of an admitted descriptor.
  [[nodiscard]] watched_descriptor& operator[](int descriptor) noexcept {
    assert(admitted(descriptor));
    return entries_[static_cast<std::size_t>(descriptor)];
  }

  /// Has the kernel report `events` from now on, and what is true of them at this moment, unless it
  /// reports them already. Errors and hang-ups are always reported. Returns 0 or -errno of
  /// epoll_ctl(2).
  [[nodiscard]] int watch(int descriptor, std::uint32_t events) noexcept {
    const std::uint32_t wanted = events | EPOLLET;
    if (((*this)[descriptor].interest & wanted) == wanted) return 0;
    return look_again(descriptor, events);
  }
  /// The same, and what is true at this moment is reported in any case.
  [[nodiscard]] int look_again(int descriptor, std::uint32_t events) noexcept;

  /// The number stands for something new, or for nothing. No operation may wait on it.
  void forget(int descriptor) noexcept;

  /// The entry that an event is for; null when that life of the descriptor is over.
  [[nodiscard]] watched_descriptor* find(const epoll_event& event) noexcept {
    watched_descriptor& found = (*this)[descriptor_of(event)];
    return found.generation == event.data.u64 >> 32 ? &found : nullptr;
  }
  [[nodiscard]] static int descriptor_of(const epoll_event& event) noexcept {
    return static_cast<int>(event.data.u64 & UINT32_MAX);
  }

  /// System calls made so far.
  [[nodiscard]] std::uint64_t kernel_entries() const noexcept { return kernel_entries_; }

 private:
  [[nodiscard]] int grow(int descriptor) noexcept;
  [[nodiscard]] int control(int action, int descriptor, std::uint32_t interest) noexcept;

  int epoll_descriptor_;
  std::uint64_t kernel_entries_ = 0;
  std::vector<watched_descriptor> entries_;
};

}  // namespace myra::io
