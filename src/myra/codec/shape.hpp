// What verify and builders know of a message, of a list's elements and of a map's entries.
// Generated code describes a message M in the same words:
//
//   slot_count_known, scalar_size_known   what this version of the schema writes
//   slot_count_base, scalar_size_base     what every version has: less is refused
//   is_exact                              more is refused too
//   has_checked_fields                    whether fields() has anything to look at
//   fields(check, block)                  looks into lists, maps and nested messages
//   defaults                              the scalars of a message in which nothing was set
//   depth                                 how deep it nests, itself included; 0: without end
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "myra/codec/block.hpp"
#include "myra/codec/map_view.hpp"
#include "myra/codec/scalar.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"

namespace myra::codec {

/// Elements and entries whose shape cannot change.
template <std::uint32_t Slots, std::uint32_t Scalars>
struct fixed_shape {
  static constexpr std::uint32_t slot_count_known = Slots;
  static constexpr std::uint32_t slot_count_base = Slots;
  static constexpr std::uint32_t scalar_size_known = Scalars;
  static constexpr std::uint32_t scalar_size_base = Scalars;
  static constexpr bool is_exact = true;
  static constexpr bool has_checked_fields = false;

  static constexpr bool fields(auto&&, const block&) noexcept { return true; }
};

/// The elements of a list of T, which is no message.
template <class T>
struct element_shape : fixed_shape<entry_part<T>::slots, entry_part<T>::scalars> {
  using value_type = T;
};

/// The entries of a map. A Value that is a message's view names the message in Value::message_.
template <class Key, class Value>
struct entry_shape : fixed_shape<entry_part<Key>::slots + entry_part<Value>::slots,
                                 entry_part<Key>::scalars + entry_part<Value>::scalars> {
  using key_type = Key;
  using view = map_view<Key, Value>;
  static constexpr bool has_checked_fields = requires { typename Value::message_; };

  static bool fields(auto&& check, const block& entry) noexcept {
    if constexpr (has_checked_fields) {
      return check.template nested<typename Value::message_>(entry, entry_part<Key>::slots);
    } else {
      return true;
    }
  }
};

/// The alternative that a verified oneof holds; 0 for none.
[[nodiscard]] inline std::uint16_t choice_in(byte_view region) noexcept {
  return region.empty() ? std::uint16_t{0} : read<std::uint16_t>(region.data());
}
/// Its value, when there is one.
[[nodiscard]] inline byte_view chosen_value(byte_view region) noexcept {
  return region.subspan(choice_tag_size_bytes);
}

namespace detail {
/// The bytes of a message in which nothing was set; its shape is not looked at.
template <class Message>
inline constexpr auto unset = [] {
  constexpr std::size_t ends =
      shape_size_bytes + Message::slot_count_known * size_of(width::narrow);
  std::array<std::byte, ends + Message::scalar_size_known> bytes{};
  std::ranges::copy(Message::defaults, bytes.begin() + ends);
  return bytes;
}();
}  // namespace detail

/// The nested message in a verified region. Where there is none, one in which nothing was set.
template <class Message>
[[nodiscard, gnu::always_inline]] inline block block_in(byte_view region, form found) noexcept {
  if (!region.empty()) [[likely]]
    return block::of<Message>(region.data(), found);
  return block::known<Message>(detail::unset<Message>.data());
}

}  // namespace myra::codec
