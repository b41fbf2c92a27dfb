// Lists, read where they lie.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "myra/codec/block.hpp"
#include "myra/codec/scalar.hpp"
#include "myra/codec/wire.hpp"
#include "myra/core/bytes.hpp"

namespace myra::codec {

/// How an element of a list is made of its block. The views of messages say it of themselves.
template <class T>
struct element_traits {
  static constexpr bool has_slots = T::has_slots_;
  /// The first element of a list, from the shape in its header.
  [[gnu::always_inline]] static block first(const std::byte* shape, form found) noexcept {
    return block::of<typename T::message_>(shape, found);
  }
  [[gnu::always_inline]] static T make(const block& from) noexcept { return T(from); }
};
/// Of those with one slot and nothing else, in whatever version.
struct text_traits {
  static constexpr bool has_slots = true;
  [[gnu::always_inline]] static block first(const std::byte* shape, form found) noexcept {
    const std::byte* pivot = shape + shape_size_bytes + size_of(width_of(found));
    return {pivot, pivot, 0, 0, 1, found};
  }
};
template <>
struct element_traits<std::string_view> : text_traits {
  [[gnu::always_inline]] static std::string_view make(const block& from) noexcept {
    return from.text(0);
  }
};
template <>
struct element_traits<byte_view> : text_traits {
  [[gnu::always_inline]] static byte_view make(const block& from) noexcept { return from.bytes(0); }
};

/// The elements of a list of messages, texts or map entries. Borrows the bytes.
template <class T>
class list_view {
  using traits = element_traits<T>;

 public:
  using value_type = T;

  /// Walks the elements in order. They are made as they are asked for.
  class iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() noexcept = default;
    [[gnu::always_inline]] iterator(const block& at, std::uint32_t left,
                                    std::uint32_t stride) noexcept
        : at_(at), left_(left), stride_(stride) {}

    [[gnu::always_inline]] T operator*() const noexcept { return traits::make(at_); }
    [[gnu::always_inline]] iterator& operator++() noexcept {
      std::uint32_t first = 0;
      if constexpr (traits::has_slots) first = at_.last_end();
      at_ = at_.moved(stride_, first);
      --left_;
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator& one, const iterator& other) noexcept {
      return one.left_ == other.left_;
    }

   private:
    block at_;
    std::uint32_t left_ = 0;
    std::uint32_t stride_ = 0;
  };

  list_view() noexcept = default;
  [[gnu::always_inline]] list_view(const block& first, std::uint32_t count) noexcept
      : first_(first), count_(count), stride_(static_cast<std::uint32_t>(first.stride())) {}

  /// The list whose verified bytes are these.
  [[nodiscard, gnu::always_inline]] static list_view of(byte_view region, form found) noexcept {
    if (region.empty()) return {};
    if (found == form::known) [[likely]]
      return opened(region.data(), form::known);
    return of_any(region.data(), found);
  }

  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  /// The element at `index`, which is below size(). O(1).
  [[nodiscard, gnu::always_inline]] T operator[](std::uint32_t index) const noexcept {
    assert(index < count_);
    const std::size_t offset = std::size_t{index} * stride_;
    std::uint32_t first = 0;
    if constexpr (traits::has_slots) {
      if (index > 0) first = first_.moved(offset - stride_, 0).last_end();
    }
    return traits::make(first_.moved(offset, first));
  }

  [[nodiscard]] iterator begin() const noexcept { return {first_, count_, stride_}; }
  [[nodiscard]] iterator end() const noexcept { return {}; }

 private:
  [[gnu::always_inline]] static list_view opened(const std::byte* header, form found) noexcept {
    const width chosen = width_of(found);
    const std::uint32_t count = read_size(header, chosen);
    const block shaped = traits::first(header + size_of(chosen), found);
    const std::byte* heap = header + list_header_size_bytes(chosen) + count * shaped.stride();
    return {block(shaped.pivot(), heap, 0, shaped.scalar_size(), shaped.slot_count(), found),
            count};
  }
  /// Of another version. A call, since its code would keep callers from being inline.
  [[gnu::noinline]] static list_view of_any(const std::byte* header, form found) noexcept {
    return opened(header, found);
  }

  block first_;
  std::uint32_t count_ = 0;
  std::uint32_t stride_ = 0;  ///< Bytes from one element to the next.
};

/// The elements of a list or of an array of values of fixed size. Borrows the bytes, which need not
/// be aligned: hence no std::span.
template <class T>
class scalar_list {
  static constexpr std::size_t stride = scalar_traits<T>::size;

 public:
  using value_type = T;

  class iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;

    iterator() noexcept = default;
    explicit iterator(const std::byte* at) noexcept : at_(at) {}

    T operator*() const noexcept { return scalar_traits<T>::get(at_); }
    iterator& operator++() noexcept {
      at_ += stride;
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator&, const iterator&) noexcept = default;

   private:
    const std::byte* at_ = nullptr;
  };

  scalar_list() noexcept = default;
  scalar_list(const std::byte* first, std::uint32_t count) noexcept
      : first_(first), count_(count) {}

  /// The list whose verified bytes are these.
  [[nodiscard]] static scalar_list of(byte_view region, form found) noexcept {
    if (region.empty()) return {};
    const width chosen = width_of(found);
    return {region.data() + list_header_size_bytes(chosen), read_size(region.data(), chosen)};
  }

  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] T operator[](std::uint32_t index) const noexcept {
    assert(index < count_);
    return scalar_traits<T>::get(first_ + index * stride);
  }
  [[nodiscard]] iterator begin() const noexcept { return iterator(first_); }
  [[nodiscard]] iterator end() const noexcept { return iterator(first_ + count_ * stride); }

  /// The elements as they lie: little endian, side by side.
  [[nodiscard]] byte_view bytes() const noexcept { return {first_, count_ * stride}; }

 private:
  const std::byte* first_ = nullptr;
  std::uint32_t count_ = 0;
};

/// The values of an array, as a builder takes them.
template <class Array, class T>
[[nodiscard]] Array array_of(const scalar_list<T>& from) noexcept {
  assert(from.size() == Array().size());
  Array made{};
  for (std::uint32_t i = 0; i < made.size(); ++i) made[i] = from[i];
  return made;
}

}  // namespace myra::codec
