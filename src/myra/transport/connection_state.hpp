// The states of a connection, which of them may follow which, and who is told of it. Drawn in
// docs/states.md; a test holds the drawing against `may_follow`.
#pragma once

#include <cstddef>
#include <cstdint>

namespace myra {

class connection_handle;

enum class connection_state : std::uint8_t {
  open,
  sending_closed,    ///< We sent our end; the peer may still send.
  receiving_closed,  ///< The peer sent its end; we may still send.
  draining,          ///< close() was called; what is queued goes out.
  closing,           ///< Waiting for the kernel to let go.
  closed,
};
inline constexpr std::size_t connection_state_count = 6;

/// Whether a connection may go from one state to the other. A connection begins with the step from
/// closed to open, and ends with the one back.
[[nodiscard]] constexpr bool may_follow(connection_state from, connection_state to) noexcept {
  switch (from) {
    case connection_state::open:
      return to != connection_state::open && to != connection_state::closed;
    case connection_state::sending_closed:
    case connection_state::receiving_closed:
      return to == connection_state::draining || to == connection_state::closing;
    case connection_state::draining: return to == connection_state::closing;
    case connection_state::closing: return to == connection_state::closed;
    case connection_state::closed: return to == connection_state::open;
  }
  return false;
}

/// Told of each step of every connection whose options name it (connection_options::watcher), on
/// the reactor's thread, when the step has been made. Borrowed: it lives until the last of these
/// connections is closed. The call comes from inside whatever caused the step, so it is to note
/// what it is told and no more: `which.post` gets at the connection later.
class connection_watcher {
 public:
  virtual void on_transition(const connection_handle& which, connection_state from,
                             connection_state to) noexcept = 0;

 protected:
  ~connection_watcher() = default;
};

}  // namespace myra
