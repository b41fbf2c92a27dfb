// The datagrams of a row: pieces of one size, but for the last, which may be shorter.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "myra/core/bytes.hpp"

namespace myra {

/// Borrows the bytes. A row of size 0 is one datagram, which may be empty.
class segments {
 public:
  segments(byte_view row, std::uint32_t segment_size) noexcept
      : row_(row), size_(segment_size == 0 ? row.size() : segment_size) {}

  class iterator {
   public:
    using value_type = byte_view;
    using difference_type = std::ptrdiff_t;
    iterator() noexcept = default;
    iterator(byte_view row, std::size_t size, std::size_t index) noexcept
        : row_(row), size_(size), index_(index) {}
    byte_view operator*() const noexcept {
      const std::size_t start = index_ * size_;
      return row_.subspan(start, std::min(size_, row_.size() - start));
    }
    iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    iterator operator++(int) noexcept {
      const iterator before = *this;
      ++index_;
      return before;
    }
    friend bool operator==(const iterator& left, const iterator& right) noexcept {
      return left.index_ == right.index_;
    }

   private:
    byte_view row_;
    std::size_t size_ = 0;
    std::size_t index_ = 0;
  };

  [[nodiscard]] iterator begin() const noexcept { return {row_, size_, 0}; }
  [[nodiscard]] iterator end() const noexcept { return {row_, size_, count()}; }
  [[nodiscard]] std::size_t count() const noexcept {
    return row_.empty() ? 1 : (row_.size() + size_ - 1) / size_;
  }

 private:
  byte_view row_;
  std::size_t size_;
};

}  // namespace myra
