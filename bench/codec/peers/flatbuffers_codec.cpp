// The order books through FlatBuffers, with one builder for all.
#include <flatbuffers/flatbuffers.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "codec/checksum.hpp"
#include "codec/contender.hpp"
#include "codec/order_book.hpp"
#include "codec/peers/peers.hpp"
#include "feed_generated.h"

namespace codec_bench {
namespace {

/// Its messages stay in the builder's memory: a copy to `to` would be the bench's and not its own.
struct flatbuffers_codec {
  using text = ::flatbuffers::Offset<::flatbuffers::String>;

  [[gnu::noinline]] static byte_run encode(const order_book::snapshot& from, room) {
    static ::flatbuffers::FlatBufferBuilder builder(4096);
    builder.Clear();
    const auto put = [](const std::string& one) {
      return builder.CreateString(one.data(), one.size());
    };
    const text timestamp = put(from.timestamp);
    const text venue = put(from.venue);
    const text symbol = put(from.symbol);
    const text status = from.trading_status ? put(*from.trading_status) : text();
    ::flatbuffers::Offset<feed_fb::Trade> trade;
    if (from.last_trade) {
      const auto& last = *from.last_trade;
      const text aggressor = last.aggressor ? put(*last.aggressor) : text();
      trade = feed_fb::CreateTrade(builder, last.price_nanos, last.size, aggressor);
    }
    const auto bids = put_levels(builder, from.bids);
    const auto asks = put_levels(builder, from.asks);
    std::array<::flatbuffers::Offset<feed_fb::Entry>, 16> entries;
    std::size_t count = 0;
    for (const auto& [key, value] : from.metadata) {
      const text stored_key = put(key);
      entries[count++] = feed_fb::CreateEntry(builder, stored_key, put(value));
    }
    const auto metadata = builder.CreateVector(entries.data(), count);
    builder.Finish(feed_fb::CreateSnapshot(builder, timestamp, venue, symbol, from.instrument_id,
                                           from.sequence, from.is_trading, status, trade, bids,
                                           asks, metadata));
    return {reinterpret_cast<const std::byte*>(builder.GetBufferPointer()), builder.GetSize()};
  }

  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    const auto* book = verified(from);
    if (book == nullptr) return 0;
    checksum sum;
    sum.add(book->instrument_id());
    sum.add(book->sequence());
    sum.add(book->is_trading());
    if (const auto* trade = book->last_trade()) {
      sum.add(static_cast<std::uint64_t>(trade->price_nanos()));
      sum.add(trade->size());
      if (trade->aggressor() != nullptr) sum.add(trade->aggressor()->string_view());
    }
    sum_levels(book->bids(), sum);
    sum_levels(book->asks(), sum);
    for (const auto* one : {book->timestamp(), book->venue(), book->symbol()})
      sum.add(one->string_view());
    if (book->trading_status() != nullptr) sum.add(book->trading_status()->string_view());
    for (const auto* entry : *book->metadata()) {
      sum.add(entry->key()->string_view());
      sum.add(entry->value()->string_view());
    }
    return sum.value();
  }

  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    const auto* book = verified(from);
    if (book == nullptr) return 0;
    std::uint64_t sum = book->is_trading();
    if (book->bids()->size() > 2)
      sum += static_cast<std::uint64_t>(book->bids()->Get(2)->price_nanos());
    return sum;
  }

 private:
  using levels = ::flatbuffers::Vector<::flatbuffers::Offset<feed_fb::Level>>;

  static ::flatbuffers::Offset<levels> put_levels(::flatbuffers::FlatBufferBuilder& builder,
                                                  const std::vector<order_book::level>& from) {
    std::array<::flatbuffers::Offset<feed_fb::Level>, 16> made;
    std::size_t count = 0;
    for (const order_book::level& one : from) {
      made[count++] =
          feed_fb::CreateLevel(builder, one.price_nanos, one.size, one.order_count, one.maker);
    }
    return builder.CreateVector(made.data(), count);
  }

  static void sum_levels(const levels* from, checksum& sum) {
    for (const auto* level : *from) {
      sum.add(static_cast<std::uint64_t>(level->price_nanos()));
      sum.add(level->size());
      sum.add(level->order_count());
      if (const auto maker = level->maker()) sum.add(*maker);
    }
  }

  static const feed_fb::Snapshot* verified(byte_run from) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(from.data);
    ::flatbuffers::Verifier verifier(bytes, from.size);
    return feed_fb::VerifySnapshotBuffer(verifier) ? feed_fb::GetSnapshot(bytes) : nullptr;
  }
};

}  // namespace

contender<order_book::snapshot> flatbuffers_contender() {
  return {"flatbuffers", flatbuffers_codec::encode, flatbuffers_codec::decode,
          flatbuffers_codec::access};
}

}  // namespace codec_bench
