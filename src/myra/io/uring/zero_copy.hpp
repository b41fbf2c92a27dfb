// What a ring can do of zero-copy sends, and the pool's memory as registered buffers
// (io_uring_register_buffers(3)), with which such a send need not pin its pages anew.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <string>
#include <vector>

#include "myra/io/operation.hpp"
#include "myra/memory/buffer_pool.hpp"

namespace myra::io {

class zero_copy {
 public:
  /// Finds by trial what the kernel can. Nothing may be in flight on the ring.
  void open(io_uring& on);
  void leave_unused(std::string why) { absence_ = std::move(why); }
  /// Registers what memory the pool has now, region by region, and from now on what it grows by.
  /// Without success `registered_absence()` says why.
  void register_memory(io_uring& on, buffer_pool& pool);

  /// SEND_ZC and SENDMSG_ZC, with a report of what was copied (Linux 6.2).
  [[nodiscard]] bool sends() const noexcept { return sends_; }
  /// SENDMSG_ZC from registered buffers (Linux 6.15).
  [[nodiscard]] bool vectors_registered() const noexcept { return vectors_registered_; }
  [[nodiscard]] bool memory_registered() const noexcept { return pool_ != nullptr; }
  /// Why not; a sentence.
  [[nodiscard]] const std::string& absence() const noexcept { return absence_; }
  [[nodiscard]] const std::string& registered_absence() const noexcept {
    return registered_absence_;
  }

  void prepare(io_uring_sqe* entry, const zero_copy_send_operation& send) noexcept;

 private:
  [[nodiscard]] int update(std::uint32_t region) noexcept;
  [[nodiscard]] bool registered(std::uint16_t region) noexcept;

  bool sends_ = false;
  bool vectors_registered_ = false;
  std::string absence_ = "switched off by its option";
  std::string registered_absence_ = "not used: pins the pool's memory";
  io_uring* uring_ = nullptr;
  buffer_pool* pool_ = nullptr;  ///< Null: nothing is registered.
  std::uint32_t registered_count_ = 0;
  bool refused_ = false;  ///< Of the memory that came later; the rest goes unregistered.
};

}  // namespace myra::io
