// The bytes of one direction of a simulated connection: on their way, then arrived, then taken.
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <vector>

#include "myra/core/bytes.hpp"

namespace myra::sim {

class byte_queue {
 public:
  /// Bytes that have arrived and were not taken.
  [[nodiscard]] std::size_t arrived() const noexcept { return arrived_ - head_; }
  /// All that is in it, on its way or arrived.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size() - head_; }

  void push(byte_view added) { bytes_.insert(bytes_.end(), added.begin(), added.end()); }
  /// The next `count` bytes that are on their way have arrived. Returns how many of them were not
  /// withdrawn.
  std::size_t arrive(std::size_t count) noexcept {
    assert(arrived_ + count <= bytes_.size() + withdrawn_);
    const std::size_t come = std::min(count, bytes_.size() - arrived_);
    arrived_ += come;
    return come;
  }
  /// What is beyond `size_max` bytes is not to be had any more. Nothing is pushed after this.
  void withdraw_beyond(std::size_t size_max) noexcept {
    const std::size_t keep = head_ + size_max;
    if (keep >= bytes_.size()) return;
    withdrawn_ += bytes_.size() - keep;
    bytes_.resize(keep);
    arrived_ = std::min(arrived_, keep);
  }
  [[nodiscard]] bool is_cut_short() const noexcept { return withdrawn_ != 0; }
  /// Moves `count` of the arrived bytes out.
  void take(std::byte* to, std::size_t count) noexcept {
    assert(count <= arrived());
    if (count != 0) std::memcpy(to, bytes_.data() + head_, count);
    head_ += count;
    if (head_ == bytes_.size()) {
      bytes_.clear();
      head_ = arrived_ = 0;
    } else if (head_ >= 64 * 1024) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
      arrived_ -= head_;
      head_ = 0;
    }
  }
  void clear() noexcept {
    bytes_.clear();
    head_ = arrived_ = 0;
  }

 private:
  std::vector<std::byte> bytes_;
  std::size_t head_ = 0;
  std::size_t arrived_ = 0;
  std::size_t withdrawn_ = 0;
};

}  // namespace myra::sim
