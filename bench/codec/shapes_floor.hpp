// The floors of the three other shapes.
#pragma once

#include <array>
#include <cstdint>

#include "codec/checksum.hpp"
#include "codec/contender.hpp"
#include "codec/packed.hpp"
#include "codec/shapes.hpp"

namespace codec_bench {

struct floor_tick {
  static constexpr const char* name = "floor";
  static constexpr std::size_t size = 60;

  [[gnu::noinline]] static byte_run encode(const bench_plain::tick& from, room to) {
    std::byte* at = to.data;
    packed::put(at, from.id);
    packed::put(at + 8, from.price);
    packed::put(at + 16, from.quantity);
    packed::put(at + 24, from.at);
    packed::put(at + 32, from.ratio);
    packed::put(at + 40, from.weight);
    packed::put(at + 48, from.venue);
    packed::put(at + 52, from.instrument);
    packed::put(at + 56, from.flags);
    packed::put(at + 58, from.way);
    packed::put(at + 59,
                static_cast<std::uint8_t>((from.is_open ? 1 : 0) | (from.is_auction ? 2 : 0)));
    return to.first(size);
  }
  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    if (from.size != size) return 0;
    const std::byte* at = from.data;
    checksum sum;
    for (std::size_t i = 0; i < 6; ++i) sum.add(packed::get<std::uint64_t>(at + 8 * i));
    sum.add(packed::get<std::uint32_t>(at + 48));
    sum.add(packed::get<std::uint32_t>(at + 52));
    sum.add(packed::get<std::uint16_t>(at + 56));
    sum.add(packed::get<std::uint8_t>(at + 58));
    const auto flags = packed::get<std::uint8_t>(at + 59);
    sum.add(flags & 1u);
    sum.add(flags >> 1);
    return sum.value();
  }
  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    if (from.size != size) return 0;
    return packed::get<std::uint8_t>(from.data + 59) >> 1;
  }
};

struct floor_person {
  static constexpr const char* name = "floor";
  static constexpr std::size_t text_count = 8;
  static constexpr std::size_t fixed_size = 2 * (text_count + 1);

  [[gnu::noinline]] static byte_run encode(const bench_plain::person& from, room to) {
    std::byte* at = to.data;
    for (const std::string& one : from.texts) {
      packed::put(at, static_cast<std::uint16_t>(one.size()));
      at += 2;
    }
    packed::put(at, static_cast<std::uint16_t>(from.tags.size()));
    at += 2;
    for (const std::string& one : from.tags) {
      packed::put(at, static_cast<std::uint16_t>(one.size()));
      at += 2;
    }
    for (const std::string& one : from.texts) at = packed::copy_text(at, one);
    for (const std::string& one : from.tags) at = packed::copy_text(at, one);
    return to.first(static_cast<std::size_t>(at - to.data));
  }
  [[gnu::always_inline]] static std::size_t checked_count(byte_run from) {
    if (from.size < fixed_size) return 0;
    const std::size_t count =
        text_count + 1 + packed::get<std::uint16_t>(from.data + 2 * text_count);
    std::size_t need = 2 * count;
    if (need > from.size) return 0;
    for (std::size_t i = 0; i < count; ++i)
      need += i == text_count ? 0u : packed::get<std::uint16_t>(from.data + 2 * i);
    return need == from.size ? count : 0;
  }
  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    const std::size_t count = checked_count(from);
    checksum sum;
    const std::byte* at = from.data + 2 * count;
    for (std::size_t i = 0; i < count; ++i) {
      if (i == text_count) continue;
      const std::size_t size = packed::get<std::uint16_t>(from.data + 2 * i);
      sum.add(std::string_view(reinterpret_cast<const char*>(at), size));
      at += size;
    }
    return sum.value();
  }
  /// The size of the last text, and of the third tag.
  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    const std::size_t count = checked_count(from);
    if (count == 0) return 0;
    std::uint64_t sum = packed::get<std::uint16_t>(from.data + 2 * (text_count - 1));
    if (count > text_count + 3) sum += packed::get<std::uint16_t>(from.data + 2 * (text_count + 3));
    return sum;
  }
};

/// Each level is a header (the sizes of its label and of what is within, its number), the label,
/// and the next level.
struct floor_box {
  static constexpr const char* name = "floor";
  static constexpr std::size_t depth = bench_plain::box::depth;
  static constexpr std::size_t header_size = 8;

  [[gnu::noinline]] static byte_run encode(const bench_plain::box& from, room to) {
    std::byte* at = to.data;
    std::array<std::byte*, depth> headers;
    for (std::size_t i = 0; i < depth; ++i) {
      headers[i] = at;
      packed::put(at, static_cast<std::uint16_t>(from.labels[i].size()));
      packed::put(at + 4, from.ids[i]);
      at = packed::copy_text(at + header_size, from.labels[i]);
    }
    for (std::size_t i = 0; i < depth; ++i) {
      const std::byte* within = i + 1 < depth ? headers[i + 1] : at;
      packed::put(headers[i] + 2, static_cast<std::uint16_t>(at - within));
    }
    return to.first(static_cast<std::size_t>(at - to.data));
  }
  [[gnu::always_inline]] static bool is_right(byte_run from) {
    const std::byte* at = from.data;
    std::size_t size = from.size;
    for (std::size_t i = 0; i < depth; ++i) {
      if (size < header_size) return false;
      const std::size_t label = packed::get<std::uint16_t>(at);
      const std::size_t within = packed::get<std::uint16_t>(at + 2);
      if (header_size + label + within != size) return false;
      at += header_size + label;
      size = within;
    }
    return size == 0;
  }
  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    if (!is_right(from)) return 0;
    checksum sum;
    const std::byte* at = from.data;
    for (std::size_t i = 0; i < depth; ++i) {
      const std::size_t label = packed::get<std::uint16_t>(at);
      sum.add(packed::get<std::uint32_t>(at + 4));
      sum.add(std::string_view(reinterpret_cast<const char*>(at + header_size), label));
      at += header_size + label;
    }
    return sum.value();
  }
  /// The innermost number.
  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    if (!is_right(from)) return 0;
    const std::byte* at = from.data;
    for (std::size_t i = 1; i < depth; ++i) at += header_size + packed::get<std::uint16_t>(at);
    return packed::get<std::uint32_t>(at + 4);
  }
};

}  // namespace codec_bench
