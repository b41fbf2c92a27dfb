// The order books through protobuf, with one message that is used again and again.
#include <cstdint>

#include "codec/checksum.hpp"
#include "codec/contender.hpp"
#include "codec/order_book.hpp"
#include "codec/peers/peers.hpp"
#include "feed.pb.h"

namespace codec_bench {
namespace {

struct protobuf_codec {
  [[gnu::noinline]] static byte_run encode(const order_book::snapshot& from, room to) {
    static feed_pb::Snapshot book;
    book.Clear();
    book.set_timestamp(from.timestamp);
    book.set_venue(from.venue);
    book.set_symbol(from.symbol);
    book.set_instrument_id(from.instrument_id);
    book.set_sequence(from.sequence);
    book.set_is_trading(from.is_trading);
    if (from.trading_status) book.set_trading_status(*from.trading_status);
    if (from.last_trade) {
      feed_pb::Trade* trade = book.mutable_last_trade();
      trade->set_price_nanos(from.last_trade->price_nanos);
      trade->set_size(from.last_trade->size);
      if (from.last_trade->aggressor) trade->set_aggressor(*from.last_trade->aggressor);
    }
    for (const order_book::level& one : from.bids) put_level(*book.add_bids(), one);
    for (const order_book::level& one : from.asks) put_level(*book.add_asks(), one);
    for (const auto& [key, value] : from.metadata) (*book.mutable_metadata())[key] = value;
    const std::size_t size = book.ByteSizeLong();
    if (size > to.size || !book.SerializeToArray(to.data, static_cast<int>(size))) return {};
    return to.first(size);
  }

  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    const feed_pb::Snapshot* book = parsed(from);
    if (book == nullptr) return 0;
    checksum sum;
    sum.add(book->instrument_id());
    sum.add(book->sequence());
    sum.add(book->is_trading());
    if (book->has_last_trade()) {
      const feed_pb::Trade& trade = book->last_trade();
      sum.add(static_cast<std::uint64_t>(trade.price_nanos()));
      sum.add(trade.size());
      if (trade.has_aggressor()) sum.add(trade.aggressor());
    }
    for (const feed_pb::Level& one : book->bids()) sum_level(one, sum);
    for (const feed_pb::Level& one : book->asks()) sum_level(one, sum);
    sum.add(book->timestamp());
    sum.add(book->venue());
    sum.add(book->symbol());
    if (book->has_trading_status()) sum.add(book->trading_status());
    for (const auto& [key, value] : book->metadata()) {
      sum.add(key);
      sum.add(value);
    }
    return sum.value();
  }

  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    const feed_pb::Snapshot* book = parsed(from);
    if (book == nullptr) return 0;
    std::uint64_t sum = book->is_trading();
    if (book->bids_size() > 2) sum += static_cast<std::uint64_t>(book->bids(2).price_nanos());
    return sum;
  }

 private:
  static void put_level(feed_pb::Level& to, const order_book::level& from) {
    to.set_price_nanos(from.price_nanos);
    to.set_size(from.size);
    to.set_order_count(from.order_count);
    if (from.maker) to.set_maker(*from.maker);
  }

  static void sum_level(const feed_pb::Level& from, checksum& sum) {
    sum.add(static_cast<std::uint64_t>(from.price_nanos()));
    sum.add(from.size());
    sum.add(from.order_count());
    if (from.has_maker()) sum.add(from.maker());
  }

  static const feed_pb::Snapshot* parsed(byte_run from) {
    static feed_pb::Snapshot book;
    const bool is_right = book.ParseFromArray(from.data, static_cast<int>(from.size));
    return is_right ? &book : nullptr;
  }
};

}  // namespace

contender<order_book::snapshot> protobuf_contender() {
  return {"protobuf", protobuf_codec::encode, protobuf_codec::decode, protobuf_codec::access};
}

}  // namespace codec_bench
