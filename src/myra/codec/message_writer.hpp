// Writes the fields of one message, or of one element of a list. What generated builders are made
// of.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>

#include "myra/codec/cursor.hpp"
#include "myra/codec/key_order.hpp"
#include "myra/codec/map_view.hpp"
#include "myra/codec/scalar.hpp"
#include "myra/codec/shape.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"

namespace myra::codec {

/// Scalars may be written in any order and any number of times; fields with a slot in the order of
/// their slots, each once at most. What is not written has its default or is absent. After a
/// mistake (which asserts in debug builds) or when the room ends, the writer keeps the first error
/// and ignores all that follows.
template <width W>
class message_writer {
 public:
  [[gnu::always_inline]] message_writer(const cursor& from, std::byte* pivot,
                                        std::byte* heap) noexcept
      : cursor_(from), pivot_(pivot), heap_(heap) {}
  message_writer(const message_writer&) = default;
  message_writer& operator=(const message_writer&) = delete;

  template <class Message>
  static constexpr std::size_t ends_size = Message::slot_count_known * size_of(W);
  /// What a message takes when nothing is written to its heap, without the format byte.
  template <class Message>
  static constexpr std::size_t fixed_size =
      shape_size_bytes + ends_size<Message> + Message::defaults.size();

  /// Begins a message at `from`, where there is room for its fixed part.
  template <class Message>
  [[nodiscard, gnu::always_inline]] static message_writer begin(cursor from) noexcept {
    write_shape<Message>(from.at);
    std::byte* pivot = from.at + shape_size_bytes + ends_size<Message>;
    write_defaults<Message>(pivot);
    from.at += fixed_size<Message>;
    return {from, pivot, from.at};
  }

  [[nodiscard, gnu::always_inline]] const cursor& place() const noexcept { return cursor_; }
  [[nodiscard, gnu::always_inline]] std::byte* pivot() const noexcept { return pivot_; }

  template <class T>
  [[gnu::always_inline]] void put(std::uint32_t offset, const T& value) noexcept {
    check_turn();
    scalar_traits<T>::put(pivot_ + offset, value);
  }
  [[gnu::always_inline]] void put_bit(std::uint32_t number, bool value) noexcept {
    check_turn();
    const unsigned mask = 1u << number % 8;
    const unsigned shifted = static_cast<unsigned>(value) << number % 8;
    const auto byte = static_cast<unsigned>(pivot_[number / 8]);
    pivot_[number / 8] = static_cast<std::byte>((byte & ~mask) | shifted);
  }

  /// A bool that may be absent.
  [[gnu::always_inline]] void put_optional_bit(std::uint32_t presence, std::uint32_t value,
                                               std::optional<bool> given) noexcept {
    if (value != presence + 1 || value % 8 == 0) {
      put_bit(presence, given.has_value());
      return put_bit(value, given.value_or(false));
    }
    check_turn();
    const unsigned shift = presence % 8;
    const unsigned set = given.has_value() ? 1u | static_cast<unsigned>(*given) << 1 : 0u;
    const auto byte = static_cast<unsigned>(pivot_[presence / 8]);
    pivot_[presence / 8] = static_cast<std::byte>((byte & ~(3u << shift)) | set << shift);
  }

  /// A text that is held in place.
  void put_held(std::uint32_t offset, std::uint32_t capacity, byte_view value) noexcept {
    check_turn();
    if (value.size() > capacity) return cursor_.fail(codec_error::text_too_long);
    std::byte* at = pivot_ + offset;
    if (capacity <= 255) {
      write(at, static_cast<std::uint8_t>(value.size()));
      at += 1;
    } else {
      write(at, static_cast<std::uint16_t>(value.size()));
      at += 2;
    }
    copy_text(at, value);
    std::memset(at + value.size(), 0, capacity - value.size());
  }

  [[gnu::always_inline]] void bytes(std::uint32_t slot, byte_view value) noexcept {
    if (!open(slot)) return;
    cursor_.append(value);
    close(slot);
  }
  [[gnu::always_inline]] void text(std::uint32_t slot, std::string_view value) noexcept {
    bytes(slot, as_bytes(value));
  }

  /// A nested message: `fill` is called with its builder.
  template <class Message, class Builder, class Fill>
  [[gnu::always_inline]] void nested(std::uint32_t slot, Fill&& fill) noexcept {
    if (!open(slot)) return;
    message<Message, Builder>(fill);
    close(slot);
  }

  /// A list of messages: `fill` is called for each element of `from` with a builder and the
  /// element.
  template <class Message, class Builder, class Range, class Fill>
  [[gnu::always_inline]] void list(std::uint32_t slot, Range&& from, Fill&& fill) noexcept {
    constexpr std::size_t stride = ends_size<Message> + Message::defaults.size();
    if (!open(slot)) return;
    const std::size_t count = std::ranges::size(from);
    if (count != 0 && begin_list<Message>(count)) {
      std::byte* heap = cursor_.at;
      auto source = std::ranges::begin(from);
      for (std::byte* at = heap - count * stride; at != heap; at += stride, ++source) {
        write_defaults<Message>(at + ends_size<Message>);
        Builder builder(message_writer(cursor_, at + ends_size<Message>, heap));
        run<Message>(builder, [&]() __attribute__((always_inline)) { fill(builder, *source); });
      }
    }
    close(slot);
  }

  /// A list of values of fixed size.
  template <class T, class Range>
  [[gnu::always_inline]] void scalars(std::uint32_t slot, const Range& from) noexcept {
    constexpr std::size_t stride = scalar_traits<T>::size;
    if (!open(slot)) return;
    const std::size_t count = std::ranges::size(from);
    if (count != 0 && begin_list<element_shape<T>>(count)) {
      std::byte* at = cursor_.at - count * stride;
      if constexpr (std::ranges::contiguous_range<const Range> && lies_as_in_memory<T> &&
                    std::same_as<std::ranges::range_value_t<Range>, T>) {
        std::memcpy(at, std::to_address(std::ranges::begin(from)), count * stride);
      } else {
        auto source = std::ranges::begin(from);
        for (; at != cursor_.at; at += stride, ++source)
          scalar_traits<T>::put(at, static_cast<T>(*source));
      }
    }
    close(slot);
  }

  /// A list of texts, or of bytes.
  template <class T, class Range>
  [[gnu::always_inline]] void texts(std::uint32_t slot, const Range& from) noexcept {
    if (!open(slot)) return;
    const std::size_t count = std::ranges::size(from);
    if (count != 0 && begin_list<element_shape<T>>(count)) {
      std::byte* heap = cursor_.at;
      auto source = std::ranges::begin(from);
      for (std::byte* at = heap - count * size_of(W); at != heap; at += size_of(W), ++source) {
        append(T(*source));
        write_end(at, heap);
      }
    }
    close(slot);
  }

  /// A map, from a range of pairs whose keys ascend.
  template <class Key, class Value, class Range>
  [[gnu::always_inline]] void map(std::uint32_t slot, const Range& from) noexcept {
    entries<Key, Value>(slot, from,
                        [this](std::byte* pivot, std::byte* heap, const auto& entry)
                            __attribute__((always_inline)) {
                              put_part<Value>(pivot, heap, entry_part<Key>::slots,
                                              entry_part<Key>::scalars, Value(value_of(entry)));
                            });
  }
  /// A map of messages: `fill` is called for each element of `from`, whose `first` is its key, with
  /// the builder of the value and the element.
  template <class Key, class Value, class Builder, class Range, class Fill>
  [[gnu::always_inline]] void map(std::uint32_t slot, const Range& from, Fill&& fill) noexcept {
    entries<Key, Value>(slot, from, [&](std::byte* pivot, std::byte* heap, const auto& entry) {
      message<typename Value::message_, Builder>([&](auto& builder) { fill(builder, entry); });
      write_end(pivot - size_of(W) * (entry_part<Key>::slots + 1), heap);
    });
  }

  /// An alternative of a oneof.
  template <class T>
  [[gnu::always_inline]] void choice(std::uint32_t slot, std::uint16_t tag, T value) noexcept {
    if (!open(slot)) return;
    if (begin_choice(tag)) {
      if constexpr (!scalar<T>) {
        append(value);
      } else if (cursor_.has_room(scalar_traits<T>::size)) {
        scalar_traits<T>::put(cursor_.at, value);
        cursor_.at += scalar_traits<T>::size;
      }
    }
    close(slot);
  }
  template <class Message, class Builder, class Fill>
  [[gnu::always_inline]] void choice(std::uint32_t slot, std::uint16_t tag, Fill&& fill) noexcept {
    if (!open(slot)) return;
    if (begin_choice(tag)) message<Message, Builder>(fill);
    close(slot);
  }

  /// Ends the message: what was not written is empty.
  template <class Message>
  [[gnu::always_inline]] void finish() noexcept {
    check_turn();
    skip_to(Message::slot_count_known);
  }

 private:
  [[gnu::always_inline]] void check_turn() const noexcept {
    assert(!busy_ && "a builder was used while another one inside of it was open");
  }

  template <class Message, class Builder, class Fill>
  [[gnu::always_inline]] void message(Fill&& fill) noexcept {
    if (!cursor_.has_room(fixed_size<Message>)) return;
    Builder builder(begin<Message>(cursor_));
    run<Message>(builder, [&]() __attribute__((always_inline)) { fill(builder); });
  }

  /// Lets the builder of something inside have its turn. It takes the cursor along and returns it.
  template <class Message, class Builder, class Fill>
  [[gnu::always_inline]] void run(Builder& builder, Fill&& fill) noexcept {
    busy_ = true;
    fill();
    builder.fields_.template finish<Message>();
    cursor_ = builder.fields_.cursor_;
    busy_ = false;
  }

  /// Moves on to the slot; false when it, or one behind it, was written before.
  [[nodiscard, gnu::always_inline]] bool open(std::uint32_t slot) noexcept {
    check_turn();
    assert(next_ <= slot && "fields with a slot are written in their order, each once");
    if (next_ > slot) [[unlikely]] {
      cursor_.fail(codec_error::wrong_order);
      return false;
    }
    skip_to(slot);
    return true;
  }
  [[gnu::always_inline]] void close(std::uint32_t slot) noexcept {
    write_end(pivot_ - size_of(W) * (slot + 1), heap_);
    next_ = slot + 1;
  }
  [[gnu::always_inline]] void skip_to(std::uint32_t slot) noexcept {
    for (; next_ < slot; ++next_) write_end(pivot_ - size_of(W) * (next_ + 1), heap_);
  }
  [[gnu::always_inline]] void write_end(std::byte* end, const std::byte* heap) const noexcept {
    write_size<W>(end, static_cast<std::size_t>(cursor_.at - heap));
  }

  [[gnu::always_inline]] void append(byte_view value) noexcept { cursor_.append(value); }
  [[gnu::always_inline]] void append(std::string_view value) noexcept {
    cursor_.append(as_bytes(value));
  }

  [[nodiscard, gnu::always_inline]] bool begin_choice(std::uint16_t tag) noexcept {
    if (!cursor_.has_room(choice_tag_size_bytes)) return false;
    write(cursor_.at, tag);
    cursor_.at += choice_tag_size_bytes;
    return true;
  }

  template <class Message>
  [[gnu::always_inline]] static void write_shape(std::byte* header) noexcept {
    write(header, static_cast<std::uint8_t>(Message::slot_count_known));
    write(header + 1, static_cast<std::uint16_t>(Message::scalar_size_known));
  }
  template <class Message>
  [[gnu::always_inline]] static void write_defaults(std::byte* pivot) noexcept {
    constexpr bool all_zero =
        std::ranges::all_of(Message::defaults, [](std::byte one) { return one == std::byte{0}; });
    if constexpr (all_zero) {
      std::memset(pivot, 0, Message::defaults.size());
    } else {
      std::memcpy(pivot, Message::defaults.data(), Message::defaults.size());
    }
  }

  /// Writes the header of a list and leaves the cursor behind its elements, which are to be filled.
  template <class Element>
  [[nodiscard, gnu::always_inline]] bool begin_list(std::size_t count) noexcept {
    constexpr std::size_t stride = ends_size<Element> + Element::scalar_size_known;
    if (!take_elements(list_header_size_bytes(W), count, stride)) return false;
    std::byte* header = cursor_.at - count * stride - list_header_size_bytes(W);
    write_size<W>(header, count);
    write_shape<Element>(header + size_of(W));
    return true;
  }
  [[nodiscard, gnu::always_inline]] bool take_elements(std::size_t header, std::size_t count,
                                                       std::size_t stride) noexcept {
    // More elements than the largest message has bytes would overflow the product.
    if (!cursor_.has_room(header + std::min(count, message_size_max_bytes(W) + 1) * stride))
      return false;
    cursor_.at += header + count * stride;
    return true;
  }

  /// Of a pair, or of an entry of another message's map.
  template <class Entry>
  [[nodiscard, gnu::always_inline]] static decltype(auto) key_of(const Entry& entry) noexcept {
    if constexpr (requires { entry.first; }) {
      return (entry.first);
    } else {
      return entry.key();
    }
  }
  template <class Entry>
  [[nodiscard, gnu::always_inline]] static decltype(auto) value_of(const Entry& entry) noexcept {
    if constexpr (requires { entry.second; }) {
      return (entry.second);
    } else {
      return entry.value();
    }
  }

  template <class Key, class Value, class Range, class Put>
  [[gnu::always_inline]] void entries(std::uint32_t slot, const Range& from,
                                      const Put& put_value) noexcept {
    using view = map_view<Key, Value>;
    constexpr std::size_t stride = view::slots * size_of(W) + view::scalars;
    if (!open(slot)) return;
    const std::size_t count = std::ranges::size(from);
    if (count != 0 && take_elements(size_of(W), count, stride)) {
      std::byte* heap = cursor_.at;
      std::byte* pivot = heap - count * stride + view::slots * size_of(W);
      write_size<W>(heap - count * stride - size_of(W), count);
      Key before{};
      bool is_first = true;
      for (auto source = std::ranges::begin(from); pivot < heap + view::slots * size_of(W);
           pivot += stride, ++source) {
        auto&& entry = *source;
        const Key key(key_of(entry));
        if (!is_first && !ascends(before, key)) [[unlikely]]
          cursor_.fail(codec_error::unsorted_keys);
        is_first = false;
        const std::byte* written = cursor_.at;
        put_part<Key>(pivot, heap, 0, 0, key);
        if constexpr (scalar<Key>) {
          before = key;
        } else {  // As it was written: the range may have made the entry for this turn only.
          before = as_text(byte_view(written, cursor_.at));
        }
        put_value(pivot, heap, entry);
      }
    }
    close(slot);
  }

  /// The key or the value of an entry: into its slot, or to its offset.
  template <class T>
  [[gnu::always_inline]] void put_part(std::byte* pivot, const std::byte* heap, std::uint32_t slot,
                                       std::uint32_t offset, const T& value) noexcept {
    if constexpr (scalar<T>) {
      scalar_traits<T>::put(pivot + offset, value);
    } else {
      append(value);
      write_end(pivot - size_of(W) * (slot + 1), heap);
    }
  }

  cursor cursor_;
  std::byte* pivot_;
  std::byte* heap_;
  std::uint32_t next_ = 0;
  bool busy_ = false;
};

}  // namespace myra::codec
