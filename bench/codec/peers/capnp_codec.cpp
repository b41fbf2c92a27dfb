// The order books through Cap'n Proto, built in memory that is used again and again.
#include <capnp/message.h>
#include <capnp/serialize.h>

#include <array>
#include <cstdint>
#include <cstring>

#include "codec/checksum.hpp"
#include "codec/contender.hpp"
#include "codec/order_book.hpp"
#include "codec/peers/peers.hpp"
#include "feed.capnp.h"

namespace codec_bench {
namespace {

struct capnp_codec {
  [[gnu::noinline]] static byte_run encode(const order_book::snapshot& from, room to) {
    // The builder wants zeros, and leaves zeros behind.
    static std::array<capnp::word, 512> memory{};
    capnp::MallocMessageBuilder message(kj::arrayPtr(memory.data(), memory.size()));
    auto book = message.initRoot<feed_capnp::Snapshot>();
    const auto text = [](const std::string& one) {
      return capnp::Text::Reader(one.data(), one.size());
    };
    book.setTimestamp(text(from.timestamp));
    book.setVenue(text(from.venue));
    book.setSymbol(text(from.symbol));
    book.setInstrumentId(from.instrument_id);
    book.setSequence(from.sequence);
    book.setIsTrading(from.is_trading);
    if (from.trading_status) book.setTradingStatus(text(*from.trading_status));
    if (from.last_trade) {
      auto trade = book.initLastTrade();
      trade.setPriceNanos(from.last_trade->price_nanos);
      trade.setSize(from.last_trade->size);
      if (from.last_trade->aggressor) trade.setAggressor(text(*from.last_trade->aggressor));
    }
    put_levels(book.initBids(static_cast<unsigned>(from.bids.size())), from.bids);
    put_levels(book.initAsks(static_cast<unsigned>(from.asks.size())), from.asks);
    auto metadata = book.initMetadata(static_cast<unsigned>(from.metadata.size()));
    for (unsigned i = 0; i < metadata.size(); ++i) {
      metadata[i].setKey(text(from.metadata[i].first));
      metadata[i].setValue(text(from.metadata[i].second));
    }
    kj::ArrayOutputStream out(kj::arrayPtr(reinterpret_cast<kj::byte*>(to.data), to.size));
    capnp::writeMessage(out, message);
    return to.first(out.getArray().size());
  }

  [[gnu::noinline]] static std::uint64_t decode(byte_run from) {
    capnp::FlatArrayMessageReader message(words(from));
    const auto book = message.getRoot<feed_capnp::Snapshot>();
    checksum sum;
    sum.add(book.getInstrumentId());
    sum.add(book.getSequence());
    sum.add(book.getIsTrading());
    if (book.hasLastTrade()) {
      const auto trade = book.getLastTrade();
      sum.add(static_cast<std::uint64_t>(trade.getPriceNanos()));
      sum.add(trade.getSize());
      if (trade.hasAggressor()) sum.add(view(trade.getAggressor()));
    }
    sum_levels(book.getBids(), sum);
    sum_levels(book.getAsks(), sum);
    sum.add(view(book.getTimestamp()));
    sum.add(view(book.getVenue()));
    sum.add(view(book.getSymbol()));
    if (book.hasTradingStatus()) sum.add(view(book.getTradingStatus()));
    for (const auto entry : book.getMetadata()) {
      sum.add(view(entry.getKey()));
      sum.add(view(entry.getValue()));
    }
    return sum.value();
  }

  [[gnu::noinline]] static std::uint64_t access(byte_run from) {
    capnp::FlatArrayMessageReader message(words(from));
    const auto book = message.getRoot<feed_capnp::Snapshot>();
    std::uint64_t sum = book.getIsTrading();
    const auto bids = book.getBids();
    if (bids.size() > 2) sum += static_cast<std::uint64_t>(bids[2].getPriceNanos());
    return sum;
  }

 private:
  static kj::ArrayPtr<const capnp::word> words(byte_run from) {
    return kj::arrayPtr(reinterpret_cast<const capnp::word*>(from.data),
                        from.size / sizeof(capnp::word));
  }
  static std::string_view view(capnp::Text::Reader text) { return {text.begin(), text.size()}; }

  static void put_levels(capnp::List<feed_capnp::Level>::Builder to,
                         const std::vector<order_book::level>& from) {
    for (unsigned i = 0; i < to.size(); ++i) {
      to[i].setPriceNanos(from[i].price_nanos);
      to[i].setSize(from[i].size);
      to[i].setOrderCount(from[i].order_count);
      if (const auto& maker = from[i].maker) to[i].getMaker().setValue(*maker);
    }
  }

  static void sum_levels(capnp::List<feed_capnp::Level>::Reader from, checksum& sum) {
    for (const auto level : from) {
      sum.add(static_cast<std::uint64_t>(level.getPriceNanos()));
      sum.add(level.getSize());
      sum.add(level.getOrderCount());
      if (level.getMaker().isValue()) sum.add(level.getMaker().getValue());
    }
  }
};

}  // namespace

contender<order_book::snapshot> capnp_contender() {
  return {"capnp", capnp_codec::encode, capnp_codec::decode, capnp_codec::access};
}

}  // namespace codec_bench
