// Storage in which a frame that came in pieces is put together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "myra/core/bytes.hpp"

namespace myra {

/// Grows as bytes arrive and never ahead of them by more than their own amount, so that a peer who
/// announces much and sends little costs little. Keeps its storage for the next frame. Used by one
/// thread at a time.
class frame_assembly {
 public:
  frame_assembly() = default;
  frame_assembly(frame_assembly&& other) noexcept { swap(other); }
  frame_assembly& operator=(frame_assembly&& other) noexcept {
    frame_assembly taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~frame_assembly() = default;

  /// Copies `part` behind what is there. `final_size` is what the whole may grow to: at least
  /// size() + part.size(). False when there is no memory; what is there stays.
  [[nodiscard]] bool append(byte_view part, std::size_t final_size) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Valid until the next append(), clear() or trim().
  [[nodiscard]] byte_view bytes() const noexcept { return {storage_.get(), size_}; }

  void clear() noexcept { size_ = 0; }

  /// Empties it and gives its storage back.
  void trim() noexcept;

  [[nodiscard]] std::size_t capacity_bytes() const noexcept { return capacity_; }

  /// All that append() ever copied, growth included.
  [[nodiscard]] std::uint64_t bytes_copied() const noexcept { return bytes_copied_; }

 private:
  [[nodiscard]] bool grow(std::size_t needed, std::size_t final_size) noexcept;
  void swap(frame_assembly& other) noexcept;

  std::unique_ptr<std::byte[]> storage_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::uint64_t bytes_copied_ = 0;
};

}  // namespace myra
