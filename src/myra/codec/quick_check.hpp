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
    return alternative<Message>(bytes(parent, slot));
  }

  template <class Message>
  [[gnu::always_inline]] static bool alternative(byte_view region) noexcept {
    constexpr std::size_t fixed = shape_size_bytes + stride<Message>;
    if (region.empty()) return true;
    if (region.size() < fixed || !has_shape<Message>(region.data())) return false;
    return body<Message>(region.data() + fixed - scalars<Message>, region.size() - fixed);
  }

  template <class Element>
  [[gnu::always_inline]] static bool list(const block& parent, std::uint32_t slot) noexcept {
    const byte_view region = bytes(parent, slot);
    if (region.empty()) return true;
    if (region.size() < list_header_size_bytes(narrow)) return false;
    if (!has_shape<Element>(region.data() + size_of(narrow))) return false;
    return elements<Element, list_header_size_bytes(narrow)>(region);
  }

  template <class Entry>
  [[gnu::always_inline]] static bool map(const block& parent, std::uint32_t slot) noexcept {
    const byte_view region = bytes(parent, slot);
    if (region.empty()) return true;
    if (region.size() < size_of(narrow)) return false;
    return elements<Entry, size_of(narrow)>(region);
  }

  template <class Choice>
  [[gnu::always_inline]] static bool choice(const block& parent, std::uint32_t slot) noexcept {
    const byte_view region = bytes(parent, slot);
    if (region.empty()) return true;
    if (region.size() < choice_tag_size_bytes) return false;
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
  [[gnu::always_inline]] static byte_view bytes(const block& parent, std::uint32_t slot) noexcept {
    const std::uint32_t from = slot == 0 ? parent.first() : parent.end<narrow>(slot - 1);
    return {parent.heap() + from, parent.end<narrow>(slot) - from};
  }

  template <class Message>
  [[gnu::always_inline]] static bool has_shape(const std::byte* shape) noexcept {
    return read<std::uint8_t>(shape) == slots<Message> &&
           read<std::uint16_t>(shape + 1) == scalars<Message>;
  }

  template <class Message>
  [[gnu::always_inline]] static bool body(const std::byte* pivot, std::size_t heap_size) noexcept {
    const block opened(pivot, pivot + scalars<Message>, 0, scalars<Message>, slots<Message>,
                       narrow);
    std::uint32_t last = 0;
    if (!ends<Message>(pivot, last) || last != heap_size) return false;
    return Message::fields(quick_check(), opened);
  }

  template <class Element, std::size_t Header>
  [[gnu::always_inline]] static bool elements(byte_view region) noexcept {
    const std::size_t fixed =
        Header + read_size<narrow>(region.data()) * std::size_t{stride<Element>};
    if constexpr (slots<Element> == 0 && !Element::has_checked_fields)
      return fixed == region.size();
    if (fixed > region.size()) return false;
    const std::byte* heap = region.data() + fixed;
    const std::size_t heap_size = region.size() - fixed;
    std::uint32_t last = 0;
    for (const std::byte* at = region.data() + Header; at != heap; at += stride<Element>) {
      const std::byte* pivot = at + slots<Element> * size_of(narrow);
      const block element(pivot, heap, last, scalars<Element>, slots<Element>, narrow);
      if (!ends<Element>(pivot, last)) return false;
      if constexpr (Element::has_checked_fields) {
        if (last > heap_size || !Element::fields(quick_check(), element)) return false;
      }
    }
    return last == heap_size;
  }

  /// Whether the ends before the pivot ascend from `last`, which becomes the last of them.
  template <class Message>
  [[gnu::always_inline]] static bool ends(const std::byte* pivot, std::uint32_t& last) noexcept {
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

  [[gnu::always_inline]] static std::uint32_t end(const std::byte* pivot,
                                                  std::uint32_t slot) noexcept {
    return read_size<narrow>(pivot - size_of(narrow) * (slot + 1));
  }
};

}  // namespace myra::codec
