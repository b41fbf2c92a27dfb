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
  /// The next `count` bytes that are on their way have arrived.
  void arrive(std::size_t count) noexcept {
    assert(arrived_ + count <= bytes_.size());
    arrived_ += count;
  }
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
};

}  // namespace myra::sim
