// The table of direct descriptors (io_uring_register_files_sparse(3)): how many places it has, how
// many are taken, and how the next accept should go about it.
//
// The kernel finds a free place by itself (IORING_FILE_INDEX_ALLOC). It looks for one only after it
// has accepted: a connection that finds the table full is lost. So the last places are given out
// one at a time, each to an accept that has reserved it, and when none is left, connections get
// ordinary descriptors.
#pragma once

#include <liburing.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdint>
#include <string>
#include <vector>

namespace myra::io {

/// How an accept is to be armed.
enum class accept_mode : std::uint32_t {
  as_asked,       ///< Ordinary descriptors: there is no table.
  direct,         ///< Into the table, multishot if asked.
  direct_once,    ///< Into a place that is reserved for it.
  direct_ending,  ///< Was `direct`; cancelled by the backend because the table is nearly full.
  ordinary_once,  ///< The table is full: an ordinary descriptor, and then look again.
};

class direct_table {
 public:
  static constexpr unsigned automatic_count_max = 16384;

  /// Registers `count` places; zero: as many as RLIMIT_NOFILE allows, up to automatic_count_max.
  /// More than the limit allows is cut down to it. Without success `absence()` says why.
  void open(io_uring& on, unsigned count);

  [[nodiscard]] bool exists() const noexcept { return capacity_ != 0; }
  [[nodiscard]] unsigned capacity() const noexcept { return capacity_; }
  [[nodiscard]] unsigned open_count() const noexcept { return open_count_; }
  /// Why there is no table; a sentence.
  [[nodiscard]] const std::string& absence() const noexcept { return absence_; }
  void leave_unused(std::string why) { absence_ = std::move(why); }

  [[nodiscard]] bool full() const noexcept { return open_count_ + reserved_ >= capacity_; }
  [[nodiscard]] bool nearly_full() const noexcept {
    return open_count_ + reserved_ + last_places_ >= capacity_;
  }

  [[nodiscard]] accept_mode mode() noexcept {
    if (!exists()) return accept_mode::as_asked;
    if (!nearly_full()) return accept_mode::direct;
    if (full()) return accept_mode::ordinary_once;
    ++reserved_;
    tell_room();
    return accept_mode::direct_once;
  }
  /// The accept that had reserved a place is over.
  void release_reserved() noexcept {
    --reserved_;
    tell_room();
  }

  /// The kernel has filled a place, or emptied one.
  void filled() noexcept {
    ++open_count_;
    tell_room();
  }
  void emptied() noexcept {
    assert(open_count_ != 0);
    --open_count_;
    tell_room();
  }

  /// Places that are free for sockets from elsewhere; for other threads to read.
  [[nodiscard]] const std::atomic<std::uint32_t>& room() const noexcept { return room_; }

  /// A place to be emptied as soon as the submission queue has room.
  void postpone_closing(unsigned slot) { to_close_.push_back(slot); }
  [[nodiscard]] std::vector<unsigned>& to_close() noexcept { return to_close_; }

 private:
  void tell_room() noexcept {
    const unsigned taken = open_count_ + reserved_ + last_places_;
    room_.store(taken < capacity_ ? capacity_ - taken : 0, std::memory_order_relaxed);
  }

  unsigned capacity_ = 0;
  unsigned last_places_ = 0;
  unsigned open_count_ = 0;
  unsigned reserved_ = 0;
  std::atomic<std::uint32_t> room_{0};
  std::vector<unsigned> to_close_;
  std::string absence_ = "switched off by its option";
};

}  // namespace myra::io
