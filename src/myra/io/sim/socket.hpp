// A simulated socket: what the kernel of a simulated machine keeps for one descriptor.
//
//   fresh ──listen──▶ listening
//   fresh ──connect──▶ connecting ──answered──▶ connected
//   connecting ──refused, timed out──▶ over
//   connected ──reset, timed out──▶ over
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <vector>

#include "myra/core/clock.hpp"
#include "myra/io/descriptor.hpp"
#include "myra/io/sim/address.hpp"
#include "myra/io/sim/byte_queue.hpp"
#include "myra/io/sim/faults.hpp"
#include "myra/io/sim/random.hpp"

namespace myra::io {
class operation;
}

namespace myra::sim {

class machine;
struct socket;

/// Who is to be told of a socket: a backend, or a script in a test. Called from appointments and
/// from the calls of others, never from a call of its own.
class socket_user {
 public:
  /// There may be something to receive or to accept: bytes, an end, an error, a connection.
  virtual void readable(socket& on) = 0;
  /// There may be room to send, or a connect is over.
  virtual void writable(socket& on) = 0;
  /// It is closed with operations in flight, which nobody may do: they end now.
  virtual void forsaken(socket& on) = 0;

 protected:
  ~socket_user() = default;
};

/// A datagram, on its way or arrived.
struct letter {
  address from;
  address to;
  std::vector<std::byte> bytes;
};

/// What the kernel counts for a datagram that waits, beside its bytes.
inline constexpr std::size_t letter_overhead = 256;

enum class phase : std::uint8_t { fresh, listening, connecting, connected, over };

struct socket {
  socket(std::uint32_t serial, machine& of, int with_family, std::uint64_t seed) noexcept
      : number(serial), on(&of), family(with_family), chance(seed ^ serial) {
    site.number = serial;
  }

  [[nodiscard]] std::size_t capacity() const noexcept {
    return send_buffer + other->receive_buffer;
  }
  [[nodiscard]] std::size_t room() const noexcept {
    const std::size_t used = other->incoming.size();
    return used < capacity() ? capacity() - used : 0;
  }
  /// A receive would not wait.
  [[nodiscard]] bool has_news() const noexcept {
    return incoming.arrived() != 0 || end_arrived || error != 0 || phase == phase::over ||
           read_shut || !backlog.empty() || !letters.empty();
  }

  [[nodiscard]] bool has_flag(int level, int name) const noexcept {
    const int key = level << 16 | name;
    return std::ranges::any_of(
        flags, [key](const auto& each) { return each.first == key && each.second != 0; });
  }
  /// Whether a connection to there is for this one.
  [[nodiscard]] bool listens_at(const address& to) const noexcept;

  std::uint32_t number;  ///< Of its opening; no other socket of this world ever has it.
  machine* on;
  io::descriptor descriptor;
  int family;
  sim::phase phase = phase::fresh;
  address local;
  address remote;
  socket* other = nullptr;
  socket_user* user = nullptr;
  fault_site site;
  random chance;

  // What comes.
  byte_queue incoming;
  time_point last_arrival{};
  bool end_arrived = false;
  int error = 0;  ///< errno, told once.

  // The same of datagrams, which stay `fresh`.
  bool datagrams = false;
  std::deque<letter> letters;
  std::size_t letter_bytes = 0;
  std::uint32_t dropped = 0;  ///< For want of room.

  // What was asked for.
  bool read_shut = false;
  bool write_shut = false;
  bool resets_at_close = false;
  bool six_only = false;
  bool wants_room = false;  ///< A send found less room than it asked for.
  std::size_t send_buffer = std::size_t{128} * 1024;
  std::size_t receive_buffer = std::size_t{128} * 1024;
  std::vector<std::pair<int, int>> flags;  ///< Other options, by level << 16 | name.

  // Listening.
  std::deque<socket*> backlog;
  std::size_t backlog_max = 0;
  unsigned attempt = 0;  ///< Of a connect.

  bool cut = false;     ///< Nothing arrives at it any more.
  bool closed = false;  ///< By its application.
  unsigned appointments = 0;
  std::size_t index = 0;  ///< In the simulation's list.

  // For the backend that uses it.
  io::operation* reader = nullptr;
  io::operation* writer = nullptr;
  std::vector<io::operation*> polls;
  unsigned in_flight = 0;  ///< Operations that were submitted and not delivered for the last time.
  bool read_due = false;   ///< An attempt to read has its appointment.
  bool write_due = false;
  time_point last_told[2] = {};  ///< Of the reading and of the writing direction.
};

}  // namespace myra::sim
