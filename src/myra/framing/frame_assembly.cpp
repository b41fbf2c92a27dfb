#include "myra/framing/frame_assembly.hpp"

#include <algorithm>
#include <cassert>
#include <new>

#include "myra/core/copy.hpp"

namespace myra {

bool frame_assembly::append(byte_view part, std::size_t final_size) noexcept {
  assert(final_size - size_ >= part.size());
  const std::size_t needed = size_ + part.size();
  if (needed > capacity_ && !grow(needed, final_size)) return false;
  copy_payload({storage_.get() + size_, capacity_ - size_}, part, bytes_copied_);
  size_ = needed;
  return true;
}

void frame_assembly::trim() noexcept {
  storage_.reset();
  size_ = capacity_ = 0;
}

// Doubling keeps the copying of a frame that comes in many pieces linear in its size.
bool frame_assembly::grow(std::size_t needed, std::size_t final_size) noexcept {
  constexpr std::size_t capacity_min = 256;
  const std::size_t doubled = std::max(2 * capacity_, capacity_min);
  const std::size_t capacity = std::max(needed, std::min(doubled, final_size));
  std::unique_ptr<std::byte[]> storage(new (std::nothrow) std::byte[capacity]);
  if (!storage) return false;
  copy_payload({storage.get(), capacity}, bytes(), bytes_copied_);
  storage_ = std::move(storage);
  capacity_ = capacity;
  return true;
}

void frame_assembly::swap(frame_assembly& other) noexcept {
  std::swap(storage_, other.storage_);
  std::swap(size_, other.size_);
  std::swap(capacity_, other.capacity_);
  std::swap(bytes_copied_, other.bytes_copied_);
}

}  // namespace myra
