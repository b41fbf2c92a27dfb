// What each operation's real counterpart may fail with (the man pages' "ERRORS", and what the
// network tells of).
#pragma once

#include <array>
#include <cerrno>

namespace myra::sim {

/// accept(2), "Error handling": of the connection that was to be accepted, and shortages.
inline constexpr std::array accept_errors{
    ECONNABORTED, EMFILE,    ENFILE, ENOBUFS,      ENOMEM,      EPROTO,     EPERM, ENETDOWN,
    ENOPROTOOPT,  EHOSTDOWN, ENONET, EHOSTUNREACH, ENETUNREACH, EOPNOTSUPP, EINTR};
inline constexpr std::array connect_errors{ECONNREFUSED, ETIMEDOUT,     EHOSTUNREACH, ENETUNREACH,
                                           EADDRINUSE,   EADDRNOTAVAIL, ECONNRESET,   EACCES,
                                           EPERM,        ENETDOWN,      ENOBUFS,      ENOMEM};
/// The first ones end the connection, the others leave it as it is.
inline constexpr std::size_t receive_deadly = 4;
inline constexpr std::array receive_errors{ECONNRESET, ETIMEDOUT, EHOSTUNREACH,
                                           ENETDOWN,   ENOMEM,    EINTR};
inline constexpr std::size_t send_deadly = 5;
inline constexpr std::array send_errors{ECONNRESET, EPIPE,   ETIMEDOUT, EHOSTUNREACH,
                                        ENETDOWN,   ENOBUFS, ENOMEM,    EINTR};
inline constexpr std::array close_errors{EIO, EINTR, ENOSPC, EDQUOT};

/// Whoever is told so is to try again.
[[nodiscard]] constexpr bool means_not_now(int error) noexcept {
  return error == EINTR || error == EAGAIN || error == ENOBUFS || error == ECANCELED;
}

/// What the network tells of a connection that is no more, whichever operation it is told to.
[[nodiscard]] constexpr bool ends_connection(int error) noexcept {
  return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == EHOSTUNREACH ||
         error == ENETDOWN;
}

}  // namespace myra::sim
