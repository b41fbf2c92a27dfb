// The one pass over a message after which no access can leave it.
//
// Ends ascend and the last one is the size of what they divide: so the fields are disjoint, they
// fill the message, and each byte is looked at once at most, whatever the message says.
#pragma once

#include <cstddef>
#include <cstdint>

#include "myra/codec/block.hpp"
#include "myra/codec/codec_error.hpp"
#include "myra/codec/key_order.hpp"
#include "myra/codec/limits.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"

namespace myra::codec {

/// Used by generated code, for one message of the width and of any version. Its functions answer
/// whether all is well; after a false, failure() says what was not.
template <width W>
class verifier {
  static constexpr form found = W == width::narrow ? form::narrow : form::wide;
  static constexpr std::size_t list_header = list_header_size_bytes(W);

 public:
  verifier(byte_view message, const limits& bounds) noexcept
      : start_(message.data()),
        depth_left_(bounds.depth_max),
        elements_left_(bounds.element_count_max),
        refuse_unordered_keys_(bounds.refuse_unordered_keys) {}

  [[nodiscard]] const codec_failure& failure() const noexcept { return failure_; }

  /// The message that fills `size` bytes at `header`.
  template <class Message>
  bool message(const std::byte* header, std::size_t size) noexcept {
    if (depth_left_ == 0) return refuse(codec_error::too_deep, header);
    if (size < shape_size_bytes) return refuse(codec_error::truncated, header);
    if (!has_base_shape<Message>(header)) return refuse(codec_error::missing_fields, header);
    const block opened = block::at(header, found);
    const auto fixed = static_cast<std::size_t>(opened.heap() - header);
    if (fixed > size) return refuse(codec_error::truncated, header);
    std::uint32_t last = 0;
    if (!ends(opened, last)) return false;
    if (last != size - fixed) return refuse(codec_error::size_mismatch, header);
    --depth_left_;
    const bool valid = Message::fields(*this, opened);
    ++depth_left_;
    return valid;
  }

  /// A field that holds a message, or nothing.
  template <class Message>
  bool nested(const block& parent, std::uint32_t slot) noexcept {
    const byte_view region = bytes(parent, slot);
    return region.empty() || message<Message>(region.data(), region.size());
  }

  /// A field that holds a list of elements of the shape of `Element`.
  template <class Element>
  bool list(const block& parent, std::uint32_t slot) noexcept {
    const byte_view region = bytes(parent, slot);
    const std::byte* header = region.data();
    if (region.empty()) return true;
    if (region.size() < list_header) return refuse(codec_error::truncated, header);
    const std::byte* shape = header + size_of(W);
    if (!has_base_shape<Element>(shape)) return refuse(codec_error::missing_fields, shape);
    const block shaped = block::at(shape, found);
    if (Element::is_exact && !has_known_shape<Element>(shape))
      return refuse(codec_error::element_size, shape);
    return elements<Element>(shaped, region, list_header);
  }

  /// A field that holds a map with entries of the shape of `Entry`.
  template <class Entry>
  bool map(const block& parent, std::uint32_t slot) noexcept {
    const byte_view region = bytes(parent, slot);
    if (region.empty()) return true;
    if (region.size() < size_of(W)) return refuse(codec_error::truncated, region.data());
    const std::byte* pivot = region.data() + size_of(W) * (1 + Entry::slot_count_known);
    const block shaped(pivot, nullptr, 0, Entry::scalar_size_known, Entry::slot_count_known, found);
    return elements<Entry>(shaped, region, size_of(W)) &&
           (!refuse_unordered_keys_ || keys<Entry>(region));
  }

  /// A field that holds one of several alternatives, or nothing. One that this version does not
  /// know is left alone.
  template <class Choice>
  bool choice(const block& parent, std::uint32_t slot) noexcept {
    const byte_view region = bytes(parent, slot);
    if (region.empty()) return true;
    if (region.size() < choice_tag_size_bytes)
      return refuse(codec_error::unknown_choice, region.data());
    return Choice::alternative(*this, read<std::uint16_t>(region.data()),
                               region.subspan(choice_tag_size_bytes));
  }

  /// An alternative of a fixed size.
  bool fits(byte_view value, std::size_t size) noexcept {
    return value.size() == size || refuse(codec_error::element_size, value.data());
  }
  /// An alternative that is a message.
  template <class Message>
  bool alternative(byte_view value) noexcept {
    return value.empty() || message<Message>(value.data(), value.size());
  }

  /// A text that is held in place.
  bool held(const block& parent, std::uint32_t offset, std::uint32_t capacity) noexcept {
    const std::uint32_t place = capacity + (capacity <= 255 ? 1 : 2);
    return !parent.has_scalar(offset, place) || parent.held(offset, capacity).size() <= capacity ||
           refuse(codec_error::capacity_exceeded, parent.pivot() + offset);
  }

 private:
  /// The bytes of the slot's field; none where the writer's version had no such slot.
  static byte_view bytes(const block& parent, std::uint32_t slot) noexcept {
    if (!parent.has_slot(slot)) return {};
    const std::size_t from = slot == 0 ? parent.first() : parent.end<W>(slot - 1);
    return {parent.heap() + from, parent.end<W>(slot) - from};
  }

  /// Notes what is wrong, and where; false.
  bool refuse(codec_error code, const std::byte* at) noexcept {
    failure_ = {code, static_cast<std::uint32_t>(at - start_)};
    return false;
  }

  template <class Message>
  static bool has_base_shape(const std::byte* shape) noexcept {
    return read<std::uint8_t>(shape) >= Message::slot_count_base &&
           read<std::uint16_t>(shape + 1) >= Message::scalar_size_base;
  }
  template <class Message>
  static bool has_known_shape(const std::byte* shape) noexcept {
    return read<std::uint8_t>(shape) == Message::slot_count_known &&
           read<std::uint16_t>(shape + 1) == Message::scalar_size_known;
  }

  /// The elements of `region`, behind its header, whose first word is their count.
  template <class Element>
  bool elements(const block& shaped, byte_view region, std::size_t header_size) noexcept {
    const std::uint32_t count = read_size<W>(region.data());
    const std::size_t stride = shaped.stride();
    if (stride == 0) return refuse(codec_error::empty_element, region.data());
    if (count > elements_left_) return refuse(codec_error::too_many_elements, region.data());
    elements_left_ -= count;
    const std::size_t room = region.size() - header_size;
    const std::uint64_t fixed = std::uint64_t{count} * stride;
    if (fixed > room) return refuse(codec_error::truncated, region.data());
    const block first(shaped.pivot(), region.data() + header_size + fixed, 0, shaped.scalar_size(),
                      shaped.slot_count(), found);
    // The messages of a list are a level together; those of a map count themselves.
    if constexpr (!Element::has_checked_fields || Element::is_exact) {
      return heap<Element>(first, count, room - fixed);
    } else {
      if (depth_left_ == 0) return refuse(codec_error::too_deep, region.data());
      --depth_left_;
      const bool valid = heap<Element>(first, count, room - fixed);
      ++depth_left_;
      return valid;
    }
  }

  template <class Element>
  bool heap(block element, std::uint32_t count, std::size_t heap_size) noexcept {
    std::uint32_t last = 0;
    if (element.slot_count() == 0 && !Element::has_checked_fields) count = 0;  // Nothing to see.
    for (; count > 0; --count) {
      if (!ends(element, last)) return false;
      // The fields are looked at once it is known that they lie in the region.
      if (last > heap_size) return refuse(codec_error::size_mismatch, element.heap());
      if constexpr (Element::has_checked_fields) {
        if (!Element::fields(*this, element)) return false;
      }
      element = element.moved(element.stride(), last);
    }
    return last == heap_size || refuse(codec_error::size_mismatch, element.heap());
  }

  template <class Entry>
  bool keys(byte_view region) noexcept {
    const auto entries = Entry::view::of(region, found);
    typename Entry::key_type before{};
    bool is_first = true;
    for (const auto entry : entries) {
      if (!is_first && !ascends(before, entry.key()))
        return refuse(codec_error::keys_not_ordered, region.data());
      before = entry.key();
      is_first = false;
    }
    return true;
  }

  /// Whether the ends ascend from `last`, which becomes the last of them.
  bool ends(const block& of, std::uint32_t& last) noexcept {
    for (std::uint32_t slot = 0; slot < of.slot_count(); ++slot) {
      const std::uint32_t value = of.template end<W>(slot);
      if (value < last)
        return refuse(codec_error::ends_not_ordered, of.pivot() - size_of(W) * (slot + 1));
      last = value;
    }
    return true;
  }

  const std::byte* start_;
  std::uint32_t depth_left_;
  std::uint32_t elements_left_;
  bool refuse_unordered_keys_;
  codec_failure failure_;
};

}  // namespace myra::codec
