// An order-book feed over TCP, both ends in one program, on which Myra copies no byte.
//
//   order-book-feed [COUNT [automatic|epoll]]
//
// The publisher builds each book where it will be sent from: in a buffer of the reactor, behind the
// header of its frame. The subscriber verifies it where the kernel put it and reads it there.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "feed.hpp"
#include "myra/framing/frame_reader.hpp"
#include "myra/framing/frame_writer.hpp"
#include "myra/transport.hpp"

namespace {

struct level {
  std::int64_t price_nanos;
  std::uint32_t size;
};

/// What the subscriber saw.
struct summary {
  std::uint64_t books = 0;
  std::uint64_t bytes = 0;
  std::int64_t best_bid_nanos = 0;
  std::uint64_t bytes_copied = 0;  ///< By the reader of frames; the reactor counts its own.
};

int fail(const myra::error_report& why) {
  std::fprintf(stderr, "order-book-feed: %s\n", myra::describe(why).c_str());
  return 2;
}

/// Writes one book to `room`: its bytes, or why it does not fit.
auto build(myra::mutable_byte_view room, std::uint64_t sequence) {
  const auto price = static_cast<std::int64_t>(4'823'500'000'000 + sequence % 7 * 10'000'000);
  const std::array<level, 2> bids{{{price, 14}, {price - 10'000'000, 22}}};
  const std::array<level, 1> asks{{{price + 10'000'000, 10}}};
  const auto put = [](auto& to, const level& one) {
    to.price_nanos(one.price_nanos).size(one.size);
  };
  auto book = feed::book::build(room);
  book.sequence(sequence).symbol("ESZ5").bids(bids, put).asks(asks, put);
  return book.finish();
}

/// Sends `count` books, each when the subscriber has read the one before it: so a frame never lies
/// in two buffers, which the reader of frames would have to copy together.
myra::task<> publish(myra::connection subscriber, std::uint64_t count) {
  const auto frames = myra::frame_writer::open({});
  if (!frames) co_return;
  for (std::uint64_t sequence = 1; sequence <= count; ++sequence) {
    myra::buffer bytes = subscriber.acquire();
    if (!bytes) co_return;
    const std::size_t header_size = frames->header_size_bytes();
    const auto book = build(bytes.writable().subspan(header_size), sequence);
    if (!book || !frames->write_header(bytes.writable(), book->size())) co_return;
    bytes.resize(static_cast<std::uint32_t>(header_size + book->size()));
    if (!co_await subscriber.send(std::move(bytes))) co_return;
    if (!co_await subscriber.receive()) co_return;
  }
}

/// Asks for the next book with one byte.
myra::task<bool> ask(myra::connection& publisher) {
  myra::buffer bytes = publisher.acquire();
  if (!bytes) co_return false;
  bytes.resize(1);
  bytes.writable()[0] = std::byte{1};
  co_return (co_await publisher.send(std::move(bytes))).has_value();
}

myra::task<> subscribe(myra::reactor& on, const myra::endpoint& to, summary& seen) {
  auto publisher = co_await myra::connect(on, to);
  auto frames = myra::frame_reader::open({});
  while (publisher && frames) {
    const auto bytes = co_await publisher->receive();
    if (!bytes) break;
    frames->feed(bytes->bytes());
    while (const auto payload = frames->next()) {
      const auto book = feed::book::verify(*payload);
      if (!book) {
        std::fprintf(stderr, "order-book-feed: %s\n", describe(book.error()).c_str());
        break;
      }
      ++seen.books;
      seen.bytes += payload->size();
      for (const auto bid : book->bids())
        seen.best_bid_nanos = std::max(seen.best_bid_nanos, bid.price_nanos());
      if (!co_await ask(*publisher)) break;
    }
    seen.bytes_copied = frames->bytes_copied();
  }
  on.stop();
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000;
  const bool use_epoll = argc > 2 && std::string_view(argv[2]) == "epoll";
  myra::reactor_options options;
  if (use_epoll) options.backend = myra::io::backend_kind::epoll;
  auto reactor = myra::reactor::open(options);
  if (!reactor) return fail(reactor.error());
  auto listener = myra::listener::open(*reactor, {.address = "127.0.0.1:0"});
  if (!listener) return fail(listener.error());
  listener->serve([count](myra::connection peer) { return publish(std::move(peer), count); });
  summary seen;
  myra::spawn(*reactor, subscribe(*reactor, listener->local(), seen));
  if (const auto ran = reactor->run(); !ran) return 2;
  const std::uint64_t copied = seen.bytes_copied + reactor->counters().bytes_copied;
  std::printf(
      "%llu books, %llu bytes, best bid %.2f, %llu bytes copied\n",
      static_cast<unsigned long long>(seen.books), static_cast<unsigned long long>(seen.bytes),
      static_cast<double>(seen.best_bid_nanos) / 1e9, static_cast<unsigned long long>(copied));
  return seen.books == count && copied == 0 ? 0 : 1;
}
