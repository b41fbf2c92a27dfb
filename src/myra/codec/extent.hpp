// How much memory a message will take, before it is built.
#pragma once

#include <cstddef>

#include "myra/codec/wire.hpp"

namespace myra::codec {

/// How much a list or a map holds: its elements, and what those have in the heap (the bytes of all
/// texts and nested messages together).
struct list_extent {
  std::size_t count = 0;
  std::size_t heap_bytes = 0;
};

template <class Message>
[[nodiscard]] constexpr std::size_t stride_bytes(width chosen) noexcept {
  return Message::slot_count_known * size_of(chosen) + Message::scalar_size_known;
}

/// A message with so much in its heap, without a format byte.
template <class Message>
[[nodiscard]] constexpr std::size_t nested_size_bytes(std::size_t heap_bytes,
                                                      width chosen) noexcept {
  return shape_size_bytes + stride_bytes<Message>(chosen) + heap_bytes;
}

template <class Element>
[[nodiscard]] constexpr std::size_t list_size_bytes(const list_extent& of, width chosen) noexcept {
  if (of.count == 0) return 0;
  return list_header_size_bytes(chosen) + of.count * stride_bytes<Element>(chosen) + of.heap_bytes;
}

template <class Entry>
[[nodiscard]] constexpr std::size_t map_size_bytes(const list_extent& of, width chosen) noexcept {
  if (of.count == 0) return 0;
  return size_of(chosen) + of.count * stride_bytes<Entry>(chosen) + of.heap_bytes;
}

/// A oneof whose value takes so many bytes; 0: it holds none.
[[nodiscard]] constexpr std::size_t choice_size_bytes(std::size_t value_bytes) noexcept {
  return value_bytes == 0 ? 0 : choice_tag_size_bytes + value_bytes;
}

}  // namespace myra::codec
