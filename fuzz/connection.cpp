// The life of connections, by schedules of bytes: each byte is something that a peer, the
// application, the network or the clock does next. Whatever the order, bytes arrive as they were
// sent, what a connection is told ends with on_close, and at the end nothing is left over.
//
// Parser: src/myra/transport/stream*.cpp src/myra/transport/acceptor.cpp
#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fuzz_input.hpp"
#include "myra/reactor/world.hpp"
#include "myra/transport.hpp"
#include "myra/transport/async.hpp"

namespace {

using namespace myra;
using namespace std::chrono_literals;

constexpr std::size_t peer_max = 8;
constexpr std::size_t action_max = 400;

/// The byte of a stream at an offset; the first one says whose stream it is.
char byte_at(std::size_t stream, std::size_t offset) {
  if (offset == 0) return static_cast<char>(stream);
  return static_cast<char>(sim::mix(stream << 32 | offset));
}

std::string bytes_of(std::size_t stream, std::size_t from, std::size_t size) {
  std::string made;
  for (std::size_t i = 0; i < size; ++i) made += byte_at(stream, from + i);
  return made;
}

/// What one end has received so far, and of which stream.
struct received_stream {
  std::size_t size = 0;
  std::size_t stream = 0;

  void take(std::string_view bytes) {
    for (const char each : bytes) {
      if (size == 0) stream = static_cast<std::uint8_t>(each);
      fuzz::require(each == byte_at(stream, size), "bytes arrive as they were sent");
      ++size;
    }
  }
};

struct scene;

/// The application's end: it does what it is told, later.
struct ours final : connection_handler {
  explicit ours(scene& in) : of(in) {}
  ~ours() override { fuzz::require(opens == closes, "on_close follows on_open"); }
  void on_open(connection& peer) override;
  void on_receive(connection& peer, message& bytes) override;
  void on_end(connection& peer) override;
  void on_writable(connection& peer) override;
  void on_close(connection& peer, std::error_code why) override;
  void begin(connection& peer);

  scene& of;
  connection_handle handle;
  std::size_t number = 0;
  received_stream received;
  std::size_t sent = 0;
  int opens = 0;
  int ends = 0;
  int closes = 0;
  bool was_kept = false;
};

struct changes_of_state final : connection_watcher {
  void on_transition(const connection_handle&, connection_state from,
                     connection_state to) noexcept override {
    // The first one is from closed to open.
    fuzz::require(from == connection_state::closed ? to == connection_state::open : from < to,
                  "a connection goes from its beginning to its end");
  }
};

/// One for all connections of a listener.
struct shared_by_all final : connection_handler {
  void on_open(connection&) override { ++open_count; }
  void on_receive(connection& peer, message& bytes) override {
    if (peer.send_copy(bytes.bytes()) != send_status::accepted) peer.abort();
  }
  void on_close(connection&, std::error_code) override { --open_count; }
  int open_count = 0;
};

/// A connection that we have made, to our own listener.
struct caller {
  explicit caller(scene& in) : handler(in) {}
  ours handler;
  connect_attempt attempt;
  connection made;
};

/// A raw end, which knows of no transport.
struct theirs {
  sim::socket* socket = nullptr;
  std::size_t number = 0;
  std::size_t sent = 0;
  received_stream received;
};

struct scene {
  explicit scene(fuzz::input& from) : input(from), world(from.byte(), chosen_faults(from)) {}

  static sim::faults chosen_faults(fuzz::input& from);

  fuzz::input& input;
  sim::simulation world;
  sim::machine& machine = world.add_machine("here");
  std::vector<theirs> peers;
  std::vector<ours*> handlers;  ///< Alive.
  std::vector<buffer> held;
  bool holds = false;
  bool closes_at_end = true;
  bool throws = false;                   ///< The next callback.
  endpoint address;                      ///< Of the listener.
  std::size_t offered = 0;               ///< To be served elsewhere.
  std::vector<io::descriptor> diverted;  ///< Accepted sockets that nobody serves yet.
  std::size_t accepted = 0;
  shared_by_all shared;
  changes_of_state changes;
  std::vector<std::unique_ptr<caller>> callers;
  std::unique_ptr<reactor> on;
  std::unique_ptr<listener> listening;
  std::optional<connection> kept;
};

/// Rates at which a schedule of some hundred actions meets a few.
sim::faults scene::chosen_faults(fuzz::input& from) {
  const std::uint8_t chosen = from.byte();
  if (chosen % 4 == 0) return sim::faults::none();
  sim::faults made = sim::faults::harmless();
  if (chosen % 4 == 1) return made;
  for (const sim::fault each :
       {sim::fault::accept_error, sim::fault::receive_error, sim::fault::send_error,
        sim::fault::shutdown_error, sim::fault::close_error, sim::fault::connect_error})
    made = made.with(each, static_cast<std::uint16_t>(chosen * 10U));
  return made;
}

void throw_if_asked(scene& in) {
  if (std::exchange(in.throws, false)) throw std::runtime_error("asked for");
}

void ours::on_open(connection& peer) {
  begin(peer);
  throw_if_asked(of);
}

void ours::begin(connection& peer) {
  ++opens;
  handle = peer.handle();
  number = of.accepted++ % 256;
  of.handlers.push_back(this);
}

void ours::on_receive(connection&, message& bytes) {
  fuzz::require(opens == 1 && ends == 0 && closes == 0, "bytes come between on_open and on_end");
  received.take(as_text(bytes.bytes()));
  if (of.holds) of.held.push_back(bytes.detach());
  throw_if_asked(of);
}

void ours::on_writable(connection& peer) {
  fuzz::require(opens == 1 && closes == 0, "there is room as long as it is open");
  fuzz::require(peer.can_send(), "there is room when one is told so");
}

void ours::on_end(connection& peer) {
  fuzz::require(++ends == 1 && closes == 0, "the end comes once, before on_close");
  if (of.closes_at_end) peer.close();
  throw_if_asked(of);
}

void ours::on_close(connection&, std::error_code why) {
  fuzz::require(++closes == 1 && static_cast<bool>(why), "on_close comes once, with a reason");
  std::erase(of.handlers, this);
}

reactor_options small(scene& in) {
  reactor_options made;
  made.source = &in.machine;
  made.pool.slot_size_bytes = 256;
  made.pool.slot_count_initial = made.pool.slot_count_max = 32;
  made.receive_buffer_count = 8;
  made.submission_entries = made.completion_entries = 8;
  made.stall_threshold = duration::zero();
  const std::uint8_t switches = in.input.byte();
  made.features.multishot_accept = (switches & 1) == 0;
  made.features.multishot_receive = (switches & 2) == 0;
  made.features.silent_sends = (switches & 4) == 0;
  made.zero_copy.threshold_bytes = (switches & 8) == 0 ? 100'000 : 0;
  made.zero_copy.free_slots_min = (switches & 128) != 0 ? 0 : 1;
  if ((switches & 8) != 0) made.zero_copy.mode = zero_copy_mode::always;
  if ((switches & 16) != 0)
    made.large_buffers = {.size_bytes = 1024, .ready_count = 4, .count_max = 8};
  in.address = endpoint::parse((switches & 64) != 0 ? "unix:@name" : "127.0.0.1:7000").value();
  if ((switches & 32) != 0) made.latency = latency_timing::messages;
  return made;
}

/// Sends back what comes, until the end or for so long.
task<void> echo(connection peer, duration patience) {
  for (;;) {
    auto bytes = co_await peer.receive({.deadline = patience});
    if (!bytes && bytes.error() != transport_errc::receive_timeout) co_return;
    if (!bytes || !co_await peer.send(std::move(*bytes))) co_return;
  }
}

/// Some of the accepted sockets go elsewhere, and may come back.
void divert(scene& in, listener& from, std::uint8_t how) {
  if (how % 4 == 0) return;
  from.divert(static_cast<diversion>(how % 4 - 1), [&in](io::descriptor socket) noexcept {
    if (in.offered++ % 3 == 0) return socket;
    in.diverted.push_back(socket);
    return io::descriptor();
  });
}

void bring_back(scene& in) {
  if (in.diverted.empty() || !in.listening) return;
  const io::descriptor socket = in.diverted.back();
  in.diverted.pop_back();
  if (socket.is_direct())
    in.listening->take_in(socket);
  else
    in.listening->take(socket.number());
}

void serve(scene& in, listener& by, int form) {
  switch (form) {
    case 0:
    case 1:
      return by.serve([&in, refuses = form == 1]() -> std::unique_ptr<connection_handler> {
        throw_if_asked(in);
        if (refuses && in.accepted++ % 2 == 0) return nullptr;
        return std::make_unique<ours>(in);
      });
    case 2: return by.serve(in.shared);
    default:
      return by.serve([patience = in.input.byte() * 10ms](connection peer) {
        return echo(std::move(peer), patience);
      });
  }
}

void listen(scene& in) {
  listener_options how;
  how.address = in.address.to_string();
  how.connections_max = in.input.byte() % 5;
  how.connection.send_high_water_bytes = 1024;
  how.connection.send_low_water_bytes = 256;
  how.connection.idle_timeout = in.input.byte() * 10ms;
  how.connection.write_timeout = in.input.byte() * 10ms;
  how.connection.linger_timeout = in.input.byte() * 10ms;
  how.connection.send_buffer_bytes = 512;
  const std::uint8_t form = in.input.byte();
  how.connection.receive = static_cast<receive_mode>((form & 3) % 3);
  how.connection.keep_alive = (form & 4) != 0;
  how.connection.receive_buffer_bytes = (form & 8) != 0 ? 512 : 0;
  how.connection.first_byte_timeout = (form & 16) != 0 ? 100ms : 0ms;
  if ((form & 32) != 0) {
    how.connection.receive_high_water_bytes = 512;
    how.connection.receive_low_water_bytes = 128;
  }
  const std::uint8_t more = in.input.byte();
  how.connection.zero_copy = static_cast<zero_copy_mode>((more >> 2) % 3);
  how.connection.watcher = &in.changes;
  auto made = listener::open(*in.on, how);
  if (!made) return;  // the port is the old one's until it is closed
  divert(in, *made, more);
  serve(in, *made, form >> 6);
  in.listening = std::make_unique<listener>(std::move(*made));
}

/// Ends an attempt as well that is under way.
void forget_callers(scene& in) {
  for (const auto& each : in.callers) {
    each->attempt = {};
    each->made = {};
  }
}

void call_ourselves(scene& in) {
  if (in.callers.size() >= peer_max) return;
  caller& made = *in.callers.emplace_back(std::make_unique<caller>(in));
  connect_options how;
  how.deadline = in.input.byte() * 10ms;
  made.attempt =
      connect(*in.on, std::array{in.address}, how, [&made](result<connection> outcome) noexcept {
        if (!outcome) return;
        made.made = std::move(*outcome);
        made.handler.begin(made.made);
        made.handler.was_kept = true;
        made.made.set_handler(made.handler);
      });
}

theirs* chosen_peer(scene& in) {
  if (in.peers.empty()) return nullptr;
  theirs& chosen = in.peers[in.input.byte() % in.peers.size()];
  return chosen.socket == nullptr ? nullptr : &chosen;
}

void peer_connects(scene& in) {
  if (in.peers.size() >= peer_max) return;
  theirs& made = in.peers.emplace_back();
  made.number = in.peers.size();
  made.socket = &in.world.open(in.machine, in.address.family());
  made.socket->receive_buffer = 1024;
  static_cast<void>(
      in.world.connect(*made.socket, sim::address(in.address.address(), in.address.size())));
}

void peer_sends(scene& in, theirs& peer) {
  const std::size_t size = in.input.byte() * std::size_t{8};
  const std::string bytes = bytes_of(peer.number, peer.sent, size);
  const auto sent = in.world.send(*peer.socket, as_bytes(bytes));
  if (sent > 0) peer.sent += static_cast<std::size_t>(sent);
}

void peer_receives(scene& in, theirs& peer) {
  std::string piece(in.input.byte() * std::size_t{8} + 1, '\0');
  const auto got =
      in.world.receive(*peer.socket, reinterpret_cast<std::byte*>(piece.data()), piece.size());
  if (got > 0) peer.received.take(std::string_view(piece).substr(0, static_cast<std::size_t>(got)));
}

void peer_closes(scene& in, theirs& peer, bool with_reset) {
  peer.socket->resets_at_close = with_reset;
  in.world.close(*std::exchange(peer.socket, nullptr));
}

/// Has the application do something with one of its connections, in a turn.
template <class Act>
void act(scene& in, Act what) {
  if (in.handlers.empty()) return;
  ours& chosen = *in.handlers[in.input.byte() % in.handlers.size()];
  static_cast<void>(chosen.handle.post([&in, &chosen, what](connection& peer) noexcept {
    // One that is over and kept has no handler any more.
    if (std::ranges::find(in.handlers, &chosen) != in.handlers.end()) what(in, chosen, peer);
  }));
}

void send(scene&, ours& from, connection& to, std::size_t size) noexcept {
  const std::string bytes = bytes_of(from.number, from.sent, size);
  if (to.send_copy(as_bytes(bytes)) == send_status::accepted) from.sent += size;
}

void send_buffer(scene&, ours& from, connection& to, std::uint32_t size, int wish) noexcept {
  buffer made = to.acquire();
  if (!made) return;
  made.resize(std::min(size, made.capacity()));
  const std::string bytes = bytes_of(from.number, from.sent, made.size());
  std::ranges::copy(as_bytes(bytes), made.writable().begin());
  const auto how = static_cast<zero_copy_mode>(wish % 3);
  if (to.send(std::move(made), {.zero_copy = how}) == send_status::accepted)
    from.sent += bytes.size();
}

/// The operation so many further on fails.
void choose_failure(scene& in) {
  constexpr int errors[] = {ECONNRESET, EPIPE,  ENOBUFS,   ENOMEM,   EINTR, EAGAIN,
                            EMFILE,     ENFILE, ETIMEDOUT, ENETDOWN, EIO,   ECONNABORTED};
  const std::uint64_t ordinal = 1U + in.input.byte() % 16;
  in.machine.fail({.ordinal = ordinal, .error = errors[in.input.byte() % std::size(errors)]});
}

void turn(scene& in, duration wait) {
  fuzz::require(in.on->run_once(wait).has_value(), "a turn succeeds");
}

/// The network goes on, and the reactor does not.
void let_pass(scene& in, duration time) {
  const time_point until = in.world.now() + time;
  while (in.world.next() <= until) static_cast<void>(in.world.step());
  in.world.advance(until);
}

void peer_acts(scene& in, std::uint8_t what) {
  theirs* peer = chosen_peer(in);
  if (peer == nullptr) return;
  switch (what) {
    case 0: return peer_sends(in, *peer);
    case 1: return peer_receives(in, *peer);
    case 2: return static_cast<void>(in.world.shutdown(*peer->socket, SHUT_WR));
    case 3: return peer_closes(in, *peer, true);
    default: return peer_closes(in, *peer, false);
  }
}

void application_acts(scene& in, std::uint8_t what) {
  const std::size_t size = in.input.byte() * std::size_t{4};
  switch (what) {
    case 0:
      return act(in, [size](scene& of, ours& from, connection& to) { send(of, from, to, size); });
    case 1: return act(in, [](scene&, ours&, connection& to) { to.half_close(); });
    case 2: return act(in, [](scene&, ours&, connection& to) { to.close(); });
    case 3: return act(in, [](scene&, ours&, connection& to) { to.abort(); });
    case 4: return act(in, [](scene&, ours&, connection& to) { to.pause_receive(); });
    case 5: return act(in, [](scene&, ours&, connection& to) { to.resume_receive(); });
    case 6: return act(in, [](scene&, ours&, connection& to) { to.end_input(); });
    case 7:
      return act(in, [size, wish = in.input.byte()](scene& of, ours& from, connection& to) {
        send_buffer(of, from, to, static_cast<std::uint32_t>(size), wish);
      });
    case 8:
      return act(in, [limit = size * 1ms](scene&, ours&, connection& to) {
        limit == 0ms ? to.expect_nothing() : to.expect_within(limit);
      });
    default:
      return act(in, [](scene& of, ours& from, connection& to) {
        // A second owner would be one too many.
        if (!std::exchange(from.was_kept, true)) of.kept = std::move(to);
      });
  }
}

void one_action(scene& in) {
  switch (const std::uint8_t what = in.input.byte() % 32; what) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: return peer_acts(in, what);
    case 5:
    case 6:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13:
    case 14: return application_acts(in, static_cast<std::uint8_t>(what - 5));
    case 15: return peer_connects(in);
    case 16: return static_cast<void>(in.kept.reset());
    case 17: in.holds = !in.holds; return;
    case 18: return in.held.clear();
    case 19: in.closes_at_end = !in.closes_at_end; return;
    case 20: return choose_failure(in);
    case 21: return in.listening ? in.listening.reset() : listen(in);
    case 22:
      for (int steps = in.input.byte() % 16; steps > 0; --steps) static_cast<void>(in.world.step());
      return;
    case 23: return turn(in, in.input.byte() * 1ms);
    case 24: return let_pass(in, in.input.byte() * 1ms);
    case 25: in.throws = true; return;
    case 26: return call_ourselves(in);
    case 28: return bring_back(in);
    case 27: return in.machine.set_descriptor_limit(1 + in.input.byte() % 32);
    default: return turn(in, 0ms);
  }
}

/// By its deadline everything is over, whatever peers do.
void end(scene& in) {
  in.machine.fail({});
  in.holds = false;
  in.held.clear();
  in.machine.set_descriptor_limit(20000);
  in.throws = false;
  in.listening.reset();
  in.kept.reset();
  static_cast<void>(in.on->drain(5s));
  in.kept.reset();  // a call that was posted before may have kept another
  for (const io::descriptor each : in.diverted) in.on->internals().backend().sockets().close(each);
  forget_callers(in);
  // What the drain has cut ends with its last operation. The kernel here keeps the bytes of a
  // zero-copy send for 3 s at most.
  constexpr int turns_max = 500;
  buffer_pool& pool = in.on->internals().pool();
  for (int turns = 0; pool.application_count() != 0 && turns < turns_max; ++turns) {
    turn(in, 10ms);
    pool.collect();
  }
  fuzz::require(pool.application_count() == 0, "buffers come home");
  in.on.reset();
  fuzz::require(in.handlers.empty() && in.shared.open_count == 0,
                "every connection is told of its end");
  fuzz::require(in.machine.open_descriptor_count() == 0, "descriptors are closed");
  for (const std::string& each : in.world.complaints()) fuzz::require(false, each.c_str());
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input input(data, size);
  scene in(input);
  auto opened = reactor::open(small(in));
  fuzz::require(opened.has_value(), "a reactor opens");
  in.on = std::make_unique<reactor>(std::move(*opened));
  listen(in);
  for (std::size_t i = 0; i < action_max && !input.rest().empty(); ++i) one_action(in);
  end(in);
  return 0;
}
