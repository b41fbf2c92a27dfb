// The short way through a message that has, everywhere, the very shape that this version of the
// schema writes: all sizes but those of the fields are constants.
#pragma once

#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "myra/codec/block.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"

namespace myra::codec {

/// What it accepts, the verifier accepts. What it does not, is for the verifier to accept or to
/// refuse with a reason. Only for narrow messages that do not nest without end. It counts neither
/// depth nor elements: the one is a constant, and of the others there are fewer than bytes.
class quick_check {
  static constexpr width narrow = width::narrow;

  template <class Message>
  static constexpr auto slots = static_cast<std::uint8_t>(Message::slot_count_known);
  template <class Message>
  static constexpr auto scalars = static_cast<std::uint16_t>(Message::scalar_size_known);
  template <class Message>
  static constexpr std::size_t stride = slots<Message> * size_of(narrow) + scalars<Message>;

  template <class Element>
  static constexpr bool is_flat = slots<Element> == 0 && !Element::has_checked_fields;

 public:
  /// A whole message, from its format byte on.
  template <class Message>
  [[nodiscard, gnu::always_inline]] static bool root(const std::byte* start,
                                                     std::size_t size) noexcept {
    constexpr std::size_t fixed = format_size_bytes + shape_size_bytes + stride<Message>;
    constexpr std::uint32_t head =
        format_byte(narrow) | slots<Message> << 8 | std::uint32_t{scalars<Message>} << 16;
    if (size < fixed || read<std::uint32_t>(start) != head) return false;
    return body<Message>(start + fixed - scalars<Message>, size - fixed);
  }

  template <class Message>
  [[gnu::always_inline]] static bool nested(const block& parent, std::uint32_t slot) noexcept {
    return message<Message>(parent.heap() + begin(parent, slot), size(parent, slot));
  }

  template <class Message>
  [[gnu::always_inline]] static bool alternative(byte_view region) noexcept {
    return message<Message>(region.data(), region.size());
  }

  template <class Element>
  [[gnu::always_inline]] static bool list(const block& parent, std::uint32_t slot) noexcept {
    constexpr std::size_t header = list_header_size_bytes(narrow);
    const std::size_t room = size(parent, slot);
    if (room == 0) return true;
    if (room < header) return false;
    const std::byte* region = parent.heap() + begin(parent, slot);
    // The count, with the shape above it. Had this another shape, the count would come out larger
    // than any message.
    const std::uint64_t count = five_bytes(region) - (shape_word<Element> << 16);
    return elements<Element, header>(region, count, room);
  }

  template <class Entry>
  [[gnu::always_inline]] static bool map(const block& parent, std::uint32_t slot) noexcept {
    constexpr std::size_t header = size_of(narrow);
    const std::size_t room = size(parent, slot);
    if (room == 0) return true;
    if (room < header) return false;
    const std::byte* region = parent.heap() + begin(parent, slot);
    return elements<Entry, header>(region, read_size<narrow>(region), room);
  }

  template <class Choice>
  [[gnu::always_inline]] static bool choice(const block& parent, std::uint32_t slot) noexcept {
    const std::size_t room = size(parent, slot);
    if (room == 0) return true;
    if (room < choice_tag_size_bytes) return false;
    const byte_view region(parent.heap() + begin(parent, slot), room);
    return Choice::alternative(quick_check(), read<std::uint16_t>(region.data()),
                               region.subspan(choice_tag_size_bytes));
  }

  [[gnu::always_inline]] static bool fits(byte_view value, std::size_t size) noexcept {
    return value.size() == size;
  }

  [[gnu::always_inline]] static bool held(const block& parent, std::uint32_t offset,
                                          std::uint32_t capacity) noexcept {
    return parent.held(offset, capacity).size() <= capacity;
  }

 private:
  /// Where the slot's field begins in the heap, and its size.
  [[gnu::always_inline]] static std::size_t begin(const block& parent,
                                                  std::uint32_t slot) noexcept {
    return slot == 0 ? parent.first() : parent.end<narrow>(slot - 1);
  }
  [[gnu::always_inline]] static std::size_t size(const block& parent, std::uint32_t slot) noexcept {
    return parent.end<narrow>(slot) - begin(parent, slot);
  }

  /// The three bytes of the shape, as a number.
  template <class Message>
  static constexpr std::uint64_t shape_word = slots<Message> | std::uint64_t{scalars<Message>} << 8;

  /// The bytes at a header that lies in a heap: at least the four of the message's own lie before
  /// it.
  [[gnu::always_inline]] static std::uint64_t five_bytes(const std::byte* header) noexcept {
    return read<std::uint64_t>(header - 3) >> 24;
  }

  template <class Message>
  [[gnu::always_inline]] static bool has_shape(const std::byte* header) noexcept {
    return read<std::uint32_t>(header - 1) >> 8 == shape_word<Message>;
  }

  /// The message that fills `room` bytes at `header`, or nothing.
  template <class Message>
  [[gnu::always_inline]] static bool message(const std::byte* header, std::size_t room) noexcept {
    constexpr std::size_t fixed = shape_size_bytes + stride<Message>;
    if (room == 0) return true;
    if (room < fixed) return false;
    if (!has_shape<Message>(header)) return false;
    return body<Message>(header + fixed - scalars<Message>, room - fixed);
  }

  template <class Message>
  [[gnu::always_inline]] static bool body(const std::byte* pivot, std::size_t heap_size) noexcept {
    const block opened(pivot, pivot + scalars<Message>, 0, scalars<Message>, slots<Message>,
                       form::known);
    std::size_t last = 0;
    if (!ends<Message>(pivot, last) || last != heap_size) return false;
    return Message::fields(quick_check(), opened);
  }

  /// The elements behind a header of so many bytes, and the heap behind them.
  template <class Element, std::size_t Header>
  [[gnu::always_inline]] static bool elements(const std::byte* region, std::uint64_t count,
                                              std::size_t room) noexcept {
    static_assert(stride<Element> > 0);
    if constexpr (is_flat<Element>) {
      return count * stride<Element> + Header == room;
    } else {
      // None is for the verifier: builders write no list then.
      const std::uint64_t fixed = count * stride<Element>;
      if (fixed - 1 >= room - Header) return false;
      return heap<Element>(region + Header, region + Header + fixed, room - Header - fixed);
    }
  }

  /// At least one element, and the heap that they share.
  template <class Element>
  [[gnu::always_inline]] static bool heap(const std::byte* at, const std::byte* heap,
                                          std::size_t heap_size) noexcept {
    std::size_t last = 0;
    do {
      const std::byte* pivot = at + slots<Element> * size_of(narrow);
      const block element(pivot, heap, static_cast<std::uint32_t>(last), scalars<Element>,
                          slots<Element>, form::known);
      if (!ends<Element>(pivot, last)) return false;
      if constexpr (Element::has_checked_fields) {
        if (last > heap_size || !Element::fields(quick_check(), element)) return false;
      }
      at += stride<Element>;
    } while (at != heap);
    return last == heap_size;
  }

  /// Whether the ends before the pivot ascend from `last`, which becomes the last of them.
  template <class Message>
  [[gnu::always_inline]] static bool ends(const std::byte* pivot, std::size_t& last) noexcept {
    constexpr std::uint32_t known = slots<Message>;
    if constexpr (known > 0) {
      if (end(pivot, 0) < last) return false;
      std::uint32_t slot = 1;
#ifdef __SSE2__
      for (; slot + 6 < known; slot += 8) {
        if (!eight_ascend(pivot, slot, known)) return false;
      }
#endif
#pragma GCC unroll 32
      for (; slot < known; ++slot) {
        if (end(pivot, slot) < end(pivot, slot - 1)) return false;
      }
      last = end(pivot, known - 1);
    }
    return true;
  }

#ifdef __SSE2__
  /// Whether none of the eight ends from `slot` on is below the one before it. Of the eight the
  /// last one may be missing: in its place lies the size of the scalars, which does not count.
  [[gnu::always_inline]] static bool eight_ascend(const std::byte* pivot, std::uint32_t slot,
                                                  std::uint32_t known) noexcept {
    const auto load_eight = [pivot](std::uint32_t first) {
      const std::byte* source = pivot - size_of(narrow) * (first + 8);
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(source));
    };
    const __m128i excess = _mm_subs_epu16(load_eight(slot - 1), load_eight(slot));
    const int none = _mm_movemask_epi8(_mm_cmpeq_epi16(excess, _mm_setzero_si128()));
    const int missing = slot + 8 > known ? 0b11 : 0;
    return (none | missing) == 0xffff;
  }
#endif

  [[gnu::always_inline]] static std::size_t end(const std::byte* pivot,
                                                std::uint32_t slot) noexcept {
    return read_size<narrow>(pivot - size_of(narrow) * (slot + 1));
  }
};

}  // namespace myra::codec
