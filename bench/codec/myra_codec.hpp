// The order book through Myra's codec, as a user would write it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "codec/checksum.hpp"
#include "codec/contender.hpp"
#include "codec/order_book.hpp"
#include "feed.hpp"

namespace codec_bench::myra_codec {

[[gnu::always_inline]] inline myra::byte_view encode(const order_book::snapshot& from,
                                                     myra::mutable_byte_view to) noexcept {
  auto book = feed::snapshot::build(to);
  book.instrument_id(from.instrument_id).sequence(from.sequence).is_trading(from.is_trading);
  book.timestamp(from.timestamp).venue(from.venue).symbol(from.symbol);
  book.trading_status(from.trading_status);
  if (from.last_trade) {
    book.last_trade([&](auto& trade) {
      trade.price_nanos(from.last_trade->price_nanos).size(from.last_trade->size);
      trade.aggressor(from.last_trade->aggressor);
    });
  }
  const auto put_level = [](auto& level, const order_book::level& source) {
    level.price_nanos(source.price_nanos).size(source.size).order_count(source.order_count);
    level.maker(source.maker);
  };
  book.bids(from.bids, put_level).asks(from.asks, put_level).metadata(from.metadata);
  const auto message = book.finish();
  return message ? *message : myra::byte_view();
}

inline void sum_levels(myra::codec::list_view<feed::level_view> levels, checksum& sum) noexcept {
  for (const auto level : levels) {
    sum.add(static_cast<std::uint64_t>(level.price_nanos()));
    sum.add(level.size());
    sum.add(level.order_count());
    if (const auto maker = level.maker()) sum.add(*maker);
  }
}

[[gnu::always_inline]] inline std::uint64_t decode(const feed::snapshot_view& book) noexcept {
  checksum sum;
  sum.add(book.instrument_id());
  sum.add(book.sequence());
  sum.add(book.is_trading());
  if (const auto trade = book.last_trade()) {
    sum.add(static_cast<std::uint64_t>(trade->price_nanos()));
    sum.add(trade->size());
    if (const auto aggressor = trade->aggressor()) sum.add(*aggressor);
  }
  sum_levels(book.bids(), sum);
  sum_levels(book.asks(), sum);
  sum.add(book.timestamp());
  sum.add(book.venue());
  sum.add(book.symbol());
  if (const auto status = book.trading_status()) sum.add(*status);
  for (const auto [key, value] : book.metadata()) {
    sum.add(key);
    sum.add(value);
  }
  return sum.value();
}

[[gnu::always_inline]] inline std::uint64_t access(const feed::snapshot_view& book) noexcept {
  std::uint64_t sum = book.is_trading();
  const auto bids = book.bids();
  if (bids.size() > 2) sum += static_cast<std::uint64_t>(bids[2].price_nanos());
  return sum;
}

}  // namespace codec_bench::myra_codec

namespace codec_bench {

struct myra_book {
  static constexpr const char* name = "myra";

  [[gnu::noinline]] static byte_run encode(const order_book::snapshot& from, room to) {
    const myra::byte_view message = myra_codec::encode(from, {to.data, to.size});
    return {message.data(), message.size()};
  }
  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    const auto view = feed::snapshot::verify({from.data, from.size});
    return view ? myra_codec::decode(*view) : 0;
  }
  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    const auto view = feed::snapshot::verify({from.data, from.size});
    return view ? myra_codec::access(*view) : 0;
  }
  [[gnu::noinline]] static std::uint64_t verify(byte_run from) {
    return feed::snapshot::verify({from.data, from.size}).has_value();
  }
};

}  // namespace codec_bench
