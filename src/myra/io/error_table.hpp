// What is done about an error of the kernel: one table from the call that failed and its errno to
// what happens next. Whoever meets an errno asks here; docs/errors.md is the same table for people,
// and a test holds the two together.
//
// Not in it: how epoll turns "not now" into waiting (EAGAIN, EINPROGRESS and EINTR of its own
// system calls), which ends before anybody above sees a result.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace myra::io {

/// What failed.
enum class failing_call : std::uint8_t {
  set_up,            ///< Making the ring: io_uring_setup(2).
  enter,             ///< The turn's wait: io_uring_enter(2), epoll_wait(2).
  accept,            ///< accept4(2).
  connect,           ///< connect(2).
  receive,           ///< recv(2) on a stream.
  send,              ///< send(2) and sendmsg(2) on a stream.
  send_zero_copy,    ///< IORING_OP_SEND_ZC and IORING_OP_SENDMSG_ZC.
  receive_datagram,  ///< recvmsg(2) on a datagram socket.
  send_datagram,     ///< sendmsg(2) on a datagram socket.
};
inline constexpr std::size_t failing_call_count = 9;

enum class reaction : std::uint8_t {
  retry,     ///< The same again at once, as long as it is still wanted.
  back_off,  ///< The same again later: after a pause, or when what was short is there.
  close,     ///< What it was for is given up and its owner told: a connection, an attempt to
             ///< connect, one datagram.
  fatal,     ///< The means is of no use any more: a ring, a listener, zero copy on a connection.
};
inline constexpr std::size_t reaction_count = 4;

struct error_row {
  failing_call call;
  int error;  ///< An errno; `any_other`: those of this call that have no row.
  reaction what;
  std::string_view meaning;  ///< What it says and what is done, in a few words.
};
inline constexpr int any_other = 0;

/// All of it, the rows of one call together and `any_other` last of them.
[[nodiscard]] std::span<const error_row> error_table() noexcept;

/// `result` is a negative errno, as completions carry it.
[[nodiscard]] reaction reaction_to(failing_call call, std::int32_t result) noexcept;

[[nodiscard]] std::string_view name_of(failing_call call) noexcept;
[[nodiscard]] std::string_view name_of(reaction what) noexcept;

/// The limit that an errno tells of, where it is and what it is at present: " (RLIMIT_NOFILE is
/// 1024)" for EMFILE; empty when there is none to be named.
[[nodiscard]] std::string limit_words(int error);

}  // namespace myra::io
