// A verified message, or one element of a list of them, as it lies in the bytes: what every view is
// made of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "myra/codec/scalar.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"

namespace myra::codec {

/// Borrows the bytes. The ends lie before the pivot, the first one nearest; the scalars lie behind
/// it; the heap holds what the ends divide. Nothing here checks bounds: verify did, against the
/// very counts that are kept here.
class block {
 public:
  constexpr block() noexcept = default;
  constexpr block(const std::byte* pivot, const std::byte* heap, std::uint32_t first,
                  std::uint16_t scalar_size, std::uint8_t slot_count, form found) noexcept
      : pivot_(pivot),
        heap_(heap),
        first_(first),
        scalar_size_(scalar_size),
        slot_count_(slot_count),
        form_(found) {}

  /// The block of a `Message` whose header is at `header`.
  template <class Message>
  [[nodiscard, gnu::always_inline]] static block of(const std::byte* header, form found) noexcept {
    return found == form::known ? known<Message>(header) : at(header, found);
  }
  template <class Message>
  [[nodiscard, gnu::always_inline]] static constexpr block known(const std::byte* header) noexcept {
    constexpr std::size_t ends = Message::slot_count_known * size_of(width::narrow);
    const std::byte* pivot = header + shape_size_bytes + ends;
    return {pivot,
            pivot + Message::scalar_size_known,
            0,
            static_cast<std::uint16_t>(Message::scalar_size_known),
            static_cast<std::uint8_t>(Message::slot_count_known),
            form::known};
  }
  /// The same of whatever is there.
  [[nodiscard, gnu::always_inline]] static block at(const std::byte* header, form found) noexcept {
    const auto slots = read<std::uint8_t>(header);
    const auto scalars = read<std::uint16_t>(header + 1);
    const std::byte* pivot = header + shape_size_bytes + slots * size_of(width_of(found));
    return {pivot, pivot + scalars, 0, scalars, slots, found};
  }

  [[nodiscard]] const std::byte* pivot() const noexcept { return pivot_; }
  [[nodiscard]] const std::byte* heap() const noexcept { return heap_; }
  [[nodiscard]] std::uint32_t first() const noexcept { return first_; }
  [[nodiscard]] std::uint16_t scalar_size() const noexcept { return scalar_size_; }
  [[nodiscard]] std::uint8_t slot_count() const noexcept { return slot_count_; }
  [[nodiscard]] form found() const noexcept { return form_; }

  /// What an element of a list takes outside of the heap.
  [[nodiscard, gnu::always_inline]] std::size_t stride() const noexcept {
    return slot_count_ * size_of(width_of(form_)) + scalar_size_;
  }
  /// The element that lies so many bytes further on, and whose fields begin at `first` in the heap.
  [[nodiscard, gnu::always_inline]] block moved(std::size_t offset,
                                                std::uint32_t first) const noexcept {
    return {pivot_ + offset, heap_, first, scalar_size_, slot_count_, form_};
  }

  /// Whether the writer's version had the scalar, bit or slot. Asked only for fields that were
  /// added after the first version.
  [[nodiscard, gnu::always_inline]] bool has_scalar(std::uint32_t offset,
                                                    std::uint32_t size) const noexcept {
    return offset + size <= scalar_size_;
  }
  [[nodiscard, gnu::always_inline]] bool has_bit(std::uint32_t number) const noexcept {
    return number / 8 < scalar_size_;
  }
  [[nodiscard, gnu::always_inline]] bool has_slot(std::uint32_t slot) const noexcept {
    return slot < slot_count_;
  }

  template <class T>
  [[nodiscard, gnu::always_inline]] T scalar(std::uint32_t offset) const noexcept {
    return scalar_traits<T>::get(pivot_ + offset);
  }

  /// Bit 8 * offset + n is the n-th of the byte at that offset of the scalars.
  [[nodiscard, gnu::always_inline]] bool bit(std::uint32_t number) const noexcept {
    return (static_cast<unsigned>(pivot_[number / 8]) >> number % 8 & 1) != 0;
  }

  /// A bool that may be absent. Without a branch: which of many are there is anyone's guess.
  [[nodiscard, gnu::always_inline]] std::optional<bool> optional_bit(
      std::uint32_t presence, std::uint32_t value) const noexcept {
    static constexpr std::array<std::optional<bool>, 4> states{std::nullopt, false, std::nullopt,
                                                               true};
    if (value == presence + 1 && value % 8 != 0)
      return states[static_cast<unsigned>(pivot_[value / 8]) >> presence % 8 & 3];
    return states[static_cast<unsigned>(bit(presence)) + 2 * static_cast<unsigned>(bit(value))];
  }
  /// A scalar that may be absent, but whose bytes are there in any case.
  template <class T>
  [[nodiscard, gnu::always_inline]] std::optional<T> optional_scalar(
      std::uint32_t presence, std::uint32_t offset) const noexcept {
    std::optional<T> made(scalar<T>(offset));
    if (!bit(presence)) made.reset();
    return made;
  }

  /// A text that is held in place, with its length before it.
  [[nodiscard]] byte_view held(std::uint32_t offset, std::uint32_t capacity) const noexcept {
    const std::byte* at = pivot_ + offset;
    if (capacity <= 255) return {at + 1, read<std::uint8_t>(at)};
    return {at + 2, read<std::uint16_t>(at)};
  }

  /// Where the field of the slot ends in the heap.
  [[nodiscard, gnu::always_inline]] std::uint32_t end(std::uint32_t slot) const noexcept {
    if (form_ == form::known) [[likely]]
      return end<width::narrow>(slot);
    return form_ == form::narrow ? end<width::narrow>(slot) : end<width::wide>(slot);
  }
  template <width W>
  [[nodiscard, gnu::always_inline]] std::uint32_t end(std::uint32_t slot) const noexcept {
    return read_size<W>(pivot_ - size_of(W) * (slot + 1));
  }
  /// Where the last field ends: the elements of a list share a heap.
  [[nodiscard, gnu::always_inline]] std::uint32_t last_end() const noexcept {
    return slot_count_ == 0 ? 0 : end(slot_count_ - 1u);
  }

  /// The bytes of the slot's field.
  [[nodiscard, gnu::always_inline]] byte_view bytes(std::uint32_t slot) const noexcept {
    const std::uint32_t from = slot == 0 ? first_ : end(slot - 1);
    return {heap_ + from, end(slot) - from};
  }
  [[nodiscard, gnu::always_inline]] std::string_view text(std::uint32_t slot) const noexcept {
    return as_text(bytes(slot));
  }
  /// The same for a slot that older versions lack: nothing.
  [[nodiscard, gnu::always_inline]] byte_view late_bytes(std::uint32_t slot) const noexcept {
    return has_slot(slot) ? bytes(slot) : byte_view();
  }

 private:
  const std::byte* pivot_ = nullptr;
  const std::byte* heap_ = nullptr;
  std::uint32_t first_ = 0;  ///< Where slot 0 begins in the heap: not 0 in a list's later elements.
  std::uint16_t scalar_size_ = 0;
  std::uint8_t slot_count_ = 0;
  form form_ = form::known;
};

}  // namespace myra::codec
