// Maps, read where they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

#include "myra/codec/block.hpp"
#include "myra/codec/key_order.hpp"
#include "myra/codec/list_view.hpp"
#include "myra/codec/scalar.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"

namespace myra::codec {

/// How a T of a map's entry lies there: a value of fixed size at an offset, or in a slot.
template <class T>
struct entry_part {
  static constexpr std::uint32_t slots = scalar<T> ? 0 : 1;
  static constexpr std::uint32_t scalars = [] {
    if constexpr (scalar<T>) {
      return static_cast<std::uint32_t>(scalar_traits<T>::size);
    } else {
      return 0u;
    }
  }();

  [[gnu::always_inline]] static T get(const block& from, std::uint32_t slot,
                                      std::uint32_t offset) noexcept {
    if constexpr (std::is_same_v<T, std::string_view>) {
      return from.text(slot);
    } else if constexpr (std::is_same_v<T, byte_view>) {
      return from.bytes(slot);
    } else if constexpr (scalar<T>) {
      return from.scalar<T>(offset);
    } else {
      return T::at_(from.bytes(slot), from.found());
    }
  }
};

/// A key and its value. Borrows the bytes.
template <class Key, class Value>
class map_entry {
 public:
  // Called as in generated views, where fields have all other names.
  // NOLINTNEXTLINE(readability-identifier-naming)
  static constexpr bool has_slots_ = entry_part<Key>::slots + entry_part<Value>::slots > 0;

  [[gnu::always_inline]] explicit map_entry(const block& at) noexcept : at_(at) {}

  [[nodiscard, gnu::always_inline]] Key key() const noexcept {
    return entry_part<Key>::get(at_, 0, 0);
  }
  [[nodiscard, gnu::always_inline]] Value value() const noexcept {
    return entry_part<Value>::get(at_, entry_part<Key>::slots, entry_part<Key>::scalars);
  }

  // For structured bindings.
  template <std::size_t Index>
  [[nodiscard]] auto get() const noexcept {
    if constexpr (Index == 0) {
      return key();
    } else {
      return value();
    }
  }

 private:
  block at_;
};

/// The entries of a map, by ascending key. Borrows the bytes.
template <class Key, class Value>
class map_view : public list_view<map_entry<Key, Value>> {
  using entries = list_view<map_entry<Key, Value>>;

 public:
  static constexpr auto slots =
      static_cast<std::uint8_t>(entry_part<Key>::slots + entry_part<Value>::slots);
  static constexpr auto scalars =
      static_cast<std::uint16_t>(entry_part<Key>::scalars + entry_part<Value>::scalars);

  map_view() noexcept = default;
  [[gnu::always_inline]] map_view(const block& first, std::uint32_t count) noexcept
      : entries(first, count) {}

  /// The map whose verified bytes are these.
  [[nodiscard, gnu::always_inline]] static map_view of(byte_view region, form found) noexcept {
    if (region.empty()) return {};
    const width chosen = width_of(found);
    const std::uint32_t count = read_size(region.data(), chosen);
    const std::byte* pivot = region.data() + size_of(chosen) + slots * size_of(chosen);
    const block shape(pivot, nullptr, 0, scalars, slots, found);
    const std::byte* heap = region.data() + size_of(chosen) + count * shape.stride();
    return {block(pivot, heap, 0, scalars, slots, found), count};
  }

  /// The value of the key. O(log size()). In a map whose keys do not ascend (verify looks at their
  /// order only when asked) it may miss, and does no harm.
  [[nodiscard]] std::optional<Value> find(const Key& key) const noexcept {
    std::uint32_t low = 0;
    std::uint32_t high = this->size();
    while (low < high) {
      const std::uint32_t middle = low + (high - low) / 2;
      if (ascends((*this)[middle].key(), key)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low == this->size() || (*this)[low].key() != key) return std::nullopt;
    return (*this)[low].value();
  }
};

}  // namespace myra::codec

template <class Key, class Value>
struct std::tuple_size<myra::codec::map_entry<Key, Value>>
    : std::integral_constant<std::size_t, 2> {};
template <class Key, class Value>
struct std::tuple_element<0, myra::codec::map_entry<Key, Value>> {
  using type = Key;
};
template <class Key, class Value>
struct std::tuple_element<1, myra::codec::map_entry<Key, Value>> {
  using type = Value;
};
