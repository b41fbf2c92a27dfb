// The life of connections, by schedules of bytes: each byte is something that a peer, the
// application, the network or the clock does next. Whatever the order, bytes arrive as they were
// sent, what a connection is told ends with on_close, and at the end nothing is left over.
//
// Parser: src/myra/transport/stream*.cpp src/myra/transport/acceptor.cpp
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fuzz_input.hpp"
#include "myra/reactor/world.hpp"
#include "myra/transport.hpp"

namespace {

using namespace myra;
using namespace std::chrono_literals;

constexpr std::size_t peer_max = 8;
constexpr std::size_t action_max = 400;
constexpr std::uint16_t port = 7000;

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
  void on_close(connection& peer, std::error_code why) override;

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

/// A raw end, which knows of no transport.
struct theirs {
  sim::socket* socket = nullptr;
  std::size_t number = 0;
  std::size_t sent = 0;
  received_stream received;
};

struct scene {
  explicit scene(fuzz::input& from) : input(from) {}

  fuzz::input& input;
  sim::simulation world{1, sim::faults::none()};
  sim::machine& machine = world.add_machine("here");
  std::vector<theirs> peers;
  std::vector<ours*> handlers;  ///< Alive.
  std::vector<buffer> held;
  bool holds = false;
  bool closes_at_end = true;
  std::size_t accepted = 0;
  std::optional<reactor> on;
  std::optional<listener> listening;
  std::optional<connection> kept;
};

void ours::on_open(connection& peer) {
  ++opens;
  handle = peer.handle();
  number = of.accepted++ % 256;
  of.handlers.push_back(this);
}

void ours::on_receive(connection&, message& bytes) {
  fuzz::require(opens == 1 && ends == 0 && closes == 0, "bytes come between on_open and on_end");
  received.take(as_text(bytes.bytes()));
  if (of.holds) of.held.push_back(bytes.detach());
}

void ours::on_end(connection& peer) {
  fuzz::require(++ends == 1 && closes == 0, "the end comes once, before on_close");
  if (of.closes_at_end) peer.close();
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
  made.zero_copy.free_slots_min = 1;
  if ((switches & 8) != 0) made.zero_copy.mode = zero_copy_mode::always;
  return made;
}

void listen(scene& in) {
  listener_options how;
  how.address = "127.0.0.1:" + std::to_string(port);
  how.connections_max = in.input.byte() % 5;
  how.connection.send_high_water_bytes = 1024;
  how.connection.send_low_water_bytes = 256;
  how.connection.idle_timeout = in.input.byte() * 10ms;
  how.connection.write_timeout = in.input.byte() * 10ms;
  how.connection.linger_timeout = in.input.byte() * 10ms;
  how.connection.send_buffer_bytes = 512;
  auto made = listener::open(*in.on, how);
  if (!made) return;  // the port is the old one's until it is closed
  made->serve([&in] { return std::make_unique<ours>(in); });
  in.listening.emplace(std::move(*made));
}

theirs* chosen_peer(scene& in) {
  if (in.peers.empty()) return nullptr;
  theirs& chosen = in.peers[in.input.byte() % in.peers.size()];
  return chosen.socket == nullptr ? nullptr : &chosen;
}

void peer_connects(scene& in) {
  if (in.peers.size() >= peer_max) return;
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  theirs& made = in.peers.emplace_back();
  made.number = in.peers.size();
  made.socket = &in.world.open(in.machine, AF_INET);
  made.socket->receive_buffer = 1024;
  static_cast<void>(in.world.connect(
      *made.socket, sim::address(reinterpret_cast<const sockaddr*>(&to), sizeof to)));
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
    default:
      return act(in, [](scene& of, ours& from, connection& to) {
        // A second owner would be one too many.
        if (!std::exchange(from.was_kept, true)) of.kept = std::move(to);
      });
  }
}

void one_action(scene& in) {
  switch (const std::uint8_t what = in.input.byte() % 24; what) {
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
    case 12: return application_acts(in, static_cast<std::uint8_t>(what - 5));
    case 13: return peer_connects(in);
    case 14: return static_cast<void>(in.kept.reset());
    case 15: in.holds = !in.holds; return;
    case 16: return in.held.clear();
    case 17: in.closes_at_end = !in.closes_at_end; return;
    case 18: return choose_failure(in);
    case 19: return in.listening ? in.listening.reset() : listen(in);
    case 20:
      for (int steps = in.input.byte() % 16; steps > 0; --steps) static_cast<void>(in.world.step());
      return;
    case 21: return turn(in, in.input.byte() * 1ms);
    case 22: return in.world.advance(in.world.now() + in.input.byte() * 1ms);
    default: return turn(in, 0ms);
  }
}

/// By its deadline everything is over, whatever peers do.
void end(scene& in) {
  in.machine.fail({});
  in.held.clear();
  in.listening.reset();
  in.kept.reset();
  static_cast<void>(in.on->drain(5s));
  in.kept.reset();  // a call that was posted before may have kept another
  in.on->internals().pool().collect();
  fuzz::require(in.on->internals().pool().application_count() == 0, "buffers come home");
  in.on.reset();
  fuzz::require(in.handlers.empty(), "every connection is told of its end");
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
  in.on.emplace(std::move(*opened));
  listen(in);
  for (std::size_t i = 0; i < action_max && !input.rest().empty(); ++i) one_action(in);
  end(in);
  return 0;
}
