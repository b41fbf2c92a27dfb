// The owner of bytes in a pool's slot. Move-only: who holds it owns the bytes, alone.
#pragma once

#include <cassert>
#include <utility>

#include "myra/memory/buffer_pool.hpp"

namespace myra {

/// A window of a slot. Destroying it, on any thread, sends the slot home. A moved-from buffer is
/// empty and may only be assigned to, asked (`bool`, size, empty) and destroyed; in debug builds
/// anything else asserts.
class buffer {
 public:
  buffer() noexcept = default;
  buffer(buffer&& other) noexcept
      : slot_(std::exchange(other.slot_, nullptr)),
        data_(other.data_),
        size_(std::exchange(other.size_, 0)) {}
  buffer& operator=(buffer&& other) noexcept {
    if (this == &other) return *this;
    release();
    slot_ = std::exchange(other.slot_, nullptr);
    data_ = other.data_;
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  ~buffer() { release(); }

  /// Whether this owns a slot.
  explicit operator bool() const noexcept { return slot_ != nullptr; }

  /// The bytes of the window, borrowed from this buffer. Asking a temporary does not compile.
  [[nodiscard]] byte_view bytes() const& noexcept { return {checked_data(), size_}; }
  byte_view bytes() const&& = delete;
  /// The same bytes, to write.
  [[nodiscard]] mutable_byte_view writable() & noexcept { return {checked_data(), size_}; }
  mutable_byte_view writable() && = delete;

  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// How far `resize` may go: from the window's start to the end of the slot, or of what is ours of
  /// it.
  [[nodiscard]] std::uint32_t capacity() const noexcept {
    assert(slot_ != nullptr && "buffer used after it was handed over");
    return slot_->room - static_cast<std::uint32_t>(data_ - slot_->memory);
  }

  /// Sets the window's size; at most capacity().
  void resize(std::uint32_t size) noexcept {
    assert(size <= capacity());
    size_ = size;
  }
  /// Moves the window's start past `count` bytes; at most size().
  void remove_prefix(std::uint32_t count) noexcept {
    assert(slot_ != nullptr && count <= size_);
    data_ += count;
    size_ -= count;
  }

  /// Sends the slot home now. Any thread.
  void release() noexcept {
    if (slot_ != nullptr) {
      slot* returned = std::exchange(slot_, nullptr);
      size_ = 0;
      returned->pool->release(*returned);
    }
  }

  /// For queues and backends: the slot itself with the window noted in it; the caller owes its
  /// release.
  [[nodiscard]] slot* into_slot() && noexcept {
    assert(slot_ != nullptr && "buffer used after it was handed over");
    slot_->data = data_;
    slot_->size = std::exchange(size_, 0);
    return std::exchange(slot_, nullptr);
  }
  /// The reverse: takes over a slot that the application owns, with the window noted in it.
  [[nodiscard]] static buffer from_slot(slot& owned) noexcept {
    assert(owned.owner == slot_owner::application);
    return buffer(owned, owned.data, owned.size);
  }

 private:
  friend class buffer_pool;
  buffer(slot& owned, std::byte* data, std::uint32_t size) noexcept
      : slot_(&owned), data_(data), size_(size) {}

  std::byte* checked_data() const noexcept {
    assert(slot_ != nullptr && "buffer used after it was handed over");
    return data_;
  }

  slot* slot_ = nullptr;
  std::byte* data_ = nullptr;
  std::uint32_t size_ = 0;
};

inline buffer buffer_pool::from_kernel(std::uint32_t index, std::uint32_t size) noexcept {
  slot& filled = *slots_[index];
  move(filled, slot_owner::kernel, slot_owner::application,
       "came from the kernel, which did not have it");
  --kernel_count_;
  return buffer(filled, filled.memory, size);
}

}  // namespace myra
