// The floor: what a snapshot costs when nothing is paid for but the bytes. Fields are packed, all
// lengths stand up front, short texts are copied inline, and one pass checks the lengths. It cannot
// grow a field, and finds one only by adding up what lies before it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "codec/checksum.hpp"
#include "codec/contender.hpp"
#include "codec/order_book.hpp"
#include "codec/packed.hpp"

namespace codec_bench::floor_codec {

using packed::copy_text;
using packed::get;
using packed::put;

// Where the fields of the fixed part lie.
inline constexpr std::size_t lengths_at = 0;  // timestamp, venue, symbol, status, aggressor
inline constexpr std::size_t bids_at = 10;
inline constexpr std::size_t asks_at = 12;
inline constexpr std::size_t metadata_at = 14;
inline constexpr std::size_t flags_at = 16;
inline constexpr std::size_t instrument_at = 17;
inline constexpr std::size_t sequence_at = 21;
inline constexpr std::size_t price_at = 29;
inline constexpr std::size_t size_at = 37;
inline constexpr std::size_t fixed_size = 41;
inline constexpr std::size_t level_size = 17;
inline constexpr std::size_t entry_size = 4;

enum flag : std::uint8_t { trading = 1, has_status = 2, has_trade = 4, has_aggressor = 8 };

[[gnu::always_inline]] inline std::byte* put_levels(
    std::byte* to, const std::vector<order_book::level>& levels) noexcept {
  for (const order_book::level& one : levels) {
    put(to, one.price_nanos);
    put(to + 8, one.size);
    put(to + 12, one.order_count);
    const unsigned maker = one.maker ? 2u | static_cast<unsigned>(*one.maker) : 0u;
    put(to + 16, static_cast<std::uint8_t>(maker));
    to += level_size;
  }
  return to;
}

[[gnu::always_inline]] inline std::size_t encode(const order_book::snapshot& from,
                                                 std::byte* to) noexcept {
  const auto length = [to](std::size_t index, std::size_t size) {
    put(to + lengths_at + 2 * index, static_cast<std::uint16_t>(size));
  };
  const std::string_view status = from.trading_status ? *from.trading_status : std::string_view();
  std::string_view aggressor;
  std::uint8_t flags = from.is_trading ? trading : 0;
  if (from.trading_status) flags |= has_status;
  if (from.last_trade) {
    flags |= has_trade;
    put(to + price_at, from.last_trade->price_nanos);
    put(to + size_at, from.last_trade->size);
    if (from.last_trade->aggressor) {
      flags |= has_aggressor;
      aggressor = *from.last_trade->aggressor;
    }
  } else {
    put(to + price_at, std::uint64_t{0});
    put(to + size_at, std::uint32_t{0});
  }
  length(0, from.timestamp.size());
  length(1, from.venue.size());
  length(2, from.symbol.size());
  length(3, status.size());
  length(4, aggressor.size());
  put(to + bids_at, static_cast<std::uint16_t>(from.bids.size()));
  put(to + asks_at, static_cast<std::uint16_t>(from.asks.size()));
  put(to + metadata_at, static_cast<std::uint16_t>(from.metadata.size()));
  put(to + flags_at, flags);
  put(to + instrument_at, from.instrument_id);
  put(to + sequence_at, from.sequence);
  std::byte* at = to + fixed_size;
  for (const auto& [key, value] : from.metadata) {
    put(at, static_cast<std::uint16_t>(key.size()));
    put(at + 2, static_cast<std::uint16_t>(value.size()));
    at += entry_size;
  }
  at = put_levels(put_levels(at, from.bids), from.asks);
  at = copy_text(copy_text(copy_text(at, from.timestamp), from.venue), from.symbol);
  at = copy_text(copy_text(at, status), aggressor);
  for (const auto& [key, value] : from.metadata) at = copy_text(copy_text(at, key), value);
  return static_cast<std::size_t>(at - to);
}

/// Whether all that the lengths and counts announce is there, to the byte.
[[gnu::always_inline]] inline bool verify(const std::byte* from, std::size_t size) noexcept {
  if (size < fixed_size) return false;
  const std::size_t entries = get<std::uint16_t>(from + metadata_at);
  std::size_t need = fixed_size + entries * entry_size;
  if (need > size) return false;
  for (std::size_t i = 0; i < 5; ++i) need += get<std::uint16_t>(from + lengths_at + 2 * i);
  need += level_size * (get<std::uint16_t>(from + bids_at) + get<std::uint16_t>(from + asks_at));
  const std::byte* at = from + fixed_size;
  for (std::size_t i = 0; i < entries; ++i, at += entry_size)
    need += get<std::uint16_t>(at) + std::size_t{get<std::uint16_t>(at + 2)};
  return need == size;
}

[[gnu::always_inline]] inline const std::byte* sum_levels(const std::byte* at, std::size_t count,
                                                          checksum& sum) noexcept {
  for (; count > 0; --count, at += level_size) {
    sum.add(get<std::uint64_t>(at));
    sum.add(get<std::uint32_t>(at + 8));
    sum.add(get<std::uint32_t>(at + 12));
    const auto maker = get<std::uint8_t>(at + 16);
    if ((maker & 2) != 0) sum.add(maker & 1);
  }
  return at;
}

[[gnu::always_inline]] inline std::uint64_t decode(const std::byte* from) noexcept {
  checksum sum;
  const std::size_t entries = get<std::uint16_t>(from + metadata_at);
  const auto flags = get<std::uint8_t>(from + flags_at);
  sum.add(get<std::uint32_t>(from + instrument_at));
  sum.add(get<std::uint64_t>(from + sequence_at));
  sum.add(flags & trading);
  if ((flags & has_trade) != 0) {
    sum.add(get<std::uint64_t>(from + price_at));
    sum.add(get<std::uint32_t>(from + size_at));
  }
  const std::byte* at = from + fixed_size + entries * entry_size;
  at = sum_levels(at, get<std::uint16_t>(from + bids_at), sum);
  at = sum_levels(at, get<std::uint16_t>(from + asks_at), sum);
  const auto text = [&](std::size_t size) {
    sum.add(std::string_view(reinterpret_cast<const char*>(at), size));
    at += size;
  };
  for (std::size_t i = 0; i < 5; ++i) text(get<std::uint16_t>(from + lengths_at + 2 * i));
  const std::byte* lengths = from + fixed_size;
  for (std::size_t i = 0; i < 2 * entries; ++i) text(get<std::uint16_t>(lengths + 2 * i));
  return sum.value();
}

/// The last scalar of the schema and the price of the third bid, where there is one.
[[gnu::always_inline]] inline std::uint64_t access(const std::byte* from) noexcept {
  const auto flags = get<std::uint8_t>(from + flags_at);
  std::uint64_t sum = flags & trading;
  if (get<std::uint16_t>(from + bids_at) > 2) {
    const std::size_t entries = get<std::uint16_t>(from + metadata_at);
    sum += get<std::uint64_t>(from + fixed_size + entries * entry_size + 2 * level_size);
  }
  return sum;
}

}  // namespace codec_bench::floor_codec

namespace codec_bench {

struct floor_book {
  static constexpr const char* name = "floor";

  [[gnu::noinline]] static byte_run encode(const order_book::snapshot& from, room to) {
    return to.first(floor_codec::encode(from, to.data));
  }
  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    return floor_codec::verify(from.data, from.size) ? floor_codec::decode(from.data) : 0;
  }
  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    return floor_codec::verify(from.data, from.size) ? floor_codec::access(from.data) : 0;
  }
  [[gnu::noinline]] static std::uint64_t verify(byte_run from) {
    return floor_codec::verify(from.data, from.size);
  }
};

}  // namespace codec_bench
