# The order books for Cap'n Proto.
@0xd2a1c7b6e5f4a390;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("feed_capnp");

struct Level {
  priceNanos @0 :Int64;
  size @1 :UInt32;
  orderCount @2 :UInt32;
  maker :union {
    none @3 :Void;
    value @4 :Bool;
  }
}

struct Trade {
  priceNanos @0 :Int64;
  size @1 :UInt32;
  aggressor @2 :Text;
}

struct Entry {
  key @0 :Text;
  value @1 :Text;
}

struct Snapshot {
  timestamp @0 :Text;
  venue @1 :Text;
  symbol @2 :Text;
  instrumentId @3 :UInt32;
  sequence @4 :UInt64;
  isTrading @5 :Bool;
  tradingStatus @6 :Text;
  lastTrade @7 :Trade;
  bids @8 :List(Level);
  asks @9 :List(Level);
  metadata @10 :List(Entry);
}
