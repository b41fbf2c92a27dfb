// The other end of a case: a script, carried out by a raw socket in a thread of its own or by a
// socket of a simulated network. A case writes down what its peer does, lets it run beside the
// reactor, and asks afterwards what the peer saw. Where peers live decides what else a case has
// around it: its clock, and what a reactor needs to be there.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "myra/core/clock.hpp"
#include "myra/io/network.hpp"
#include "myra/transport/endpoint.hpp"

namespace myra {
struct reactor_options;
}

namespace myra::conformance {

/// One thing that a peer does. Each has the time limit of the peer's script.
struct step {
  enum class act {
    send,            ///< `bytes`, whole.
    send_in_pieces,  ///< `bytes`, `count` at a time, with `pause` between the pieces.
    receive,         ///< Exactly `count` bytes.
    receive_to_end,  ///< Until the end of the stream or a reset.
    receive_slowly,  ///< The same, `count` bytes at a time, with `pause` after each.
    half_close,      ///< shutdown(2), SHUT_WR.
    reset,           ///< Close with a reset.
    close,           ///< Close; what was not received makes it a reset, as always.
    wait,            ///< For `pause`.
    stay,            ///< Take nothing until the connection is over.
    small_window,    ///< First of all: a receive buffer of 32 KiB, which the kernel doubles.
  };
  act what;
  std::string bytes;
  std::size_t count = 0;
  std::chrono::milliseconds pause{0};
};

using script = std::vector<step>;

/// The words of a script.
inline step send(std::string bytes) { return {step::act::send, std::move(bytes)}; }
inline step send_in_pieces(std::string bytes, std::size_t count,
                           std::chrono::milliseconds pause = {}) {
  return {step::act::send_in_pieces, std::move(bytes), count, pause};
}
inline step receive(std::size_t count) { return {step::act::receive, {}, count}; }
inline step receive_to_end() { return {step::act::receive_to_end, {}}; }
inline step receive_slowly(std::size_t count, std::chrono::milliseconds pause) {
  return {step::act::receive_slowly, {}, count, pause};
}
inline step half_close() { return {step::act::half_close, {}}; }
inline step reset() { return {step::act::reset, {}}; }
inline step close() { return {step::act::close, {}}; }
inline step wait(std::chrono::milliseconds pause) { return {step::act::wait, {}, 0, pause}; }
inline step stay() { return {step::act::stay, {}}; }
inline step small_window() { return {step::act::small_window, {}}; }

/// What a peer saw. Of a crowd: all of it, one after the other; the booleans say "each of them".
struct transcript {
  std::string received;
  std::size_t connections = 0;
  std::size_t ends = 0;
  std::size_t resets = 0;
  bool connected = false;
  bool saw_end = false;    ///< The end of the stream.
  bool saw_reset = false;  ///< ECONNRESET or EPIPE, receiving or sending.
  bool in_time = true;     ///< Every step was done within its limit.
};

/// What all ends of a crowd saw, each in its own `seen`, when the last is through.
template <class Ends>
[[nodiscard]] transcript all_seen(const Ends& ends) {
  transcript told;
  told.connected = told.saw_end = told.saw_reset = true;
  for (const auto& each : ends) {
    told.received += each.seen.received;
    told.connections += each.seen.connected ? 1 : 0;
    told.ends += each.seen.saw_end ? 1 : 0;
    told.resets += each.seen.saw_reset ? 1 : 0;
    told.connected = told.connected && each.seen.connected;
    told.saw_end = told.saw_end && each.seen.saw_end;
    told.saw_reset = told.saw_reset && each.seen.saw_reset;
    told.in_time = told.in_time && each.seen.in_time;
  }
  return told;
}

class peer {
 public:
  virtual ~peer() = default;
  /// Whether the script has ended. Any thread.
  [[nodiscard]] virtual bool done() const noexcept = 0;
  /// Waits for the script's end and tells what was seen.
  virtual transcript finish() = 0;
};

/// A connected socket that the case itself moves, without waiting.
class hand {
 public:
  virtual ~hand() = default;
  /// Whether all of it went, at once.
  [[nodiscard]] virtual bool send(std::string_view bytes) = 0;
  virtual void half_close() = 0;
  /// Takes what is there; true: nothing more will come.
  [[nodiscard]] virtual bool receive(std::string& into) = 0;
};

/// Where peers live.
class peer_host {
 public:
  virtual ~peer_host() = default;
  /// A peer that connects to `to` and runs `what`.
  [[nodiscard]] virtual std::unique_ptr<peer> dial(const endpoint& to, script what) = 0;
  /// A crowd: `count` peers that connect one after the other; then all do the first step, then the
  /// second.
  [[nodiscard]] virtual std::unique_ptr<peer> dial_many(const endpoint& to, std::size_t count,
                                                        script what) = 0;
  /// A peer that listens, accepts one connection, and runs `what`. `at` is set to where.
  [[nodiscard]] virtual std::unique_ptr<peer> answer(const endpoint& near, script what,
                                                     endpoint& at) = 0;
  /// Connects; with a receive buffer as SO_RCVBUF has it, unless that is zero.
  [[nodiscard]] virtual std::unique_ptr<hand> take(const endpoint& to,
                                                   int receive_buffer_bytes = 0) = 0;
  /// Two sockets that are connected: `ours` is a descriptor of `network`, and its caller's to
  /// close.
  [[nodiscard]] virtual std::unique_ptr<hand> pair(io::network& network, int& ours) = 0;
  /// Sends a datagram from a socket that nobody has seen before. Whether it went.
  [[nodiscard]] virtual bool send_datagram(const endpoint& to, std::string_view bytes) = 0;
  /// An address that refuses connections.
  [[nodiscard]] virtual endpoint refusing(const endpoint& near) = 0;
  /// An address where connections are neither accepted nor refused. It lasts as long as the host.
  [[nodiscard]] virtual endpoint silent(const endpoint& near) = 0;

  /// Puts a reactor of these options where the peers are.
  virtual void place(reactor_options& /*made*/) {}
  [[nodiscard]] virtual time_point now() const { return clock::now(); }
  /// Time goes by, in which the case does nothing.
  virtual void pass(duration time) = 0;
  /// The case itself has waited so long, in the real world.
  virtual void waited(duration /*time*/) {}
  /// From now on other threads of this process take part, and time is theirs.
  virtual void keep_pace() {}
  /// What is left over that should not be, a line each.
  [[nodiscard]] virtual std::vector<std::string> complaints() { return {}; }
};

/// Raw sockets on the loopback interface, a thread a peer.
[[nodiscard]] std::unique_ptr<peer_host> raw_sockets();

/// Sockets of a simulated network, on a virtual clock, in the thread of the case.
[[nodiscard]] std::unique_ptr<peer_host> simulated_sockets();

}  // namespace myra::conformance
