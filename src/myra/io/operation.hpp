// Operations and completions: what every backend takes and gives.
//
// An operation is an object that its owner keeps at one address from `submit` to its last
// completion; the backend calls its `on_complete` on the loop's thread, from inside a turn and
// never from inside `submit`. There is no allocation and no virtual call per completion. A
// multishot operation completes many times; the completion with `more == false` is the last, and
// only then may the object be submitted again or destroyed. A completion is to be accounted for
// whatever it says: the buffer that it carries goes home by itself unless taken; a descriptor that
// it brings belongs to the handler.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstdint>

#include "myra/core/clock.hpp"
#include "myra/io/descriptor.hpp"
#include "myra/io/inlet.hpp"
#include "myra/memory/buffer.hpp"

namespace myra::io {

class operation;
struct arrival;

enum class operation_kind : std::uint8_t {
  accept,
  connect,
  receive,
  send,
  send_zero_copy,
  shutdown,
  close,
  poll,
  receive_datagram,
  send_datagram,
  cancel,
  link_timeout,
  hand_over,
};

/// What happened.
struct completion {
  explicit completion(std::int32_t outcome) noexcept : result(outcome) {}
  completion(std::int32_t outcome, buffer&& brought) noexcept
      : result(outcome), bytes(std::move(brought)) {}

  /// Not negative: success (accept: see accept_operation::accepted; receive and send: bytes; poll:
  /// the events). Negative: -errno.
  std::int32_t result;
  /// The operation is still armed and will complete again.
  bool more = false;
  /// Receive: the socket has more to read, or may have, so that an attempt now is worth it.
  bool more_to_read = false;
  /// Zero-copy send: not its result but the word that the kernel has let go of the bytes.
  bool notification = false;
  /// With it: the kernel says that it copied them after all, or that none of them went.
  bool copied = false;
  /// Receive: the bytes; empty at the end of the stream and on errors. Move it out to keep it.
  buffer bytes;
  /// A datagram: where it came from (datagram_operation.hpp). Valid until the handler returns.
  const arrival* from = nullptr;
};

using completion_handler = void (*)(operation& completed, completion& what) noexcept;

enum class operation_state : std::uint8_t {
  idle,       ///< With its owner; may be submitted or destroyed.
  queued,     ///< Submitted, not yet seen by the kernel.
  in_flight,  ///< The kernel has it.
};

/// The part that all operations share. Owned by whoever submits; 40 bytes.
class operation {
 public:
  operation(operation_kind kind, completion_handler on_complete) noexcept
      : on_complete_(on_complete), kind_(kind) {}
  operation(const operation&) = delete;
  operation& operator=(const operation&) = delete;
  ~operation() { assert(idle() && "operation destroyed in flight"); }

  [[nodiscard]] operation_kind kind() const noexcept { return kind_; }
  [[nodiscard]] bool idle() const noexcept { return state == operation_state::idle; }

  /// The socket, or none.
  io::descriptor descriptor;
  /// For the backend; nobody else writes these.
  operation_state state = operation_state::idle;
  bool cancelled = false;
  /// Counts submissions, so that a late completion of an earlier one is told apart and dropped.
  std::uint16_t generation = 0;
  std::uint32_t backend_index = 0;
  operation* backend_next = nullptr;

  void complete(completion& what) noexcept { on_complete_(*this, what); }

 private:
  completion_handler on_complete_;
  operation_kind kind_;
};

/// accept4(2) with close-on-exec. Multishot: armed once, one completion per connection; a backend
/// may end it early, or arm a one-shot in its place, as its `more` tells.
struct accept_operation : operation {
  explicit accept_operation(completion_handler handler) noexcept
      : operation(operation_kind::accept, handler) {}
  bool multishot = true;
  bool ordinary = false;  ///< Bring no direct descriptors: for sockets that go elsewhere.

  /// What a completion with a result that is not negative has brought. It belongs to the handler.
  [[nodiscard]] io::descriptor accepted(const completion& what) const noexcept {
    return brings_direct ? io::descriptor::direct(static_cast<std::uint32_t>(what.result))
                         : io::descriptor(what.result);
  }
  /// Written by the backend, each time that the operation is armed.
  bool brings_direct = false;
};

/// connect(2). The address is the owner's and stays until the completion.
struct connect_operation : operation {
  explicit connect_operation(completion_handler handler) noexcept
      : operation(operation_kind::connect, handler) {}
  const sockaddr* address = nullptr;
  socklen_t address_size = 0;
};

/// recv(2) into a buffer that the backend brings. One-shot and multishot differ by the flag alone.
/// Completes with 0 at the end of the stream and with -ENOBUFS when there is no buffer; after that
/// it is to be armed again when one is free. A multishot one may also end with bytes, when it has
/// had its share of a turn, or at a backend's convenience.
struct receive_operation : operation {
  explicit receive_operation(completion_handler handler) noexcept
      : operation(operation_kind::receive, handler) {}
  bool multishot = true;
  /// Wait for readiness before the first attempt: cheaper when nothing is expected to be there yet.
  /// A backend may try at once all the same.
  bool poll_first = true;
  /// Take large buffers, where the backend has been given a pool of them: for who is sent much.
  bool large_buffers = false;
  /// No more than so many bytes in one turn, and what fills the last buffer, so that others get
  /// theirs. Zero: 32 buffers. (io_uring before Linux 6.17 cannot count and has that limit always.)
  std::uint32_t turn_bytes_max = 0;
};

/// send(2) or, with `vector`, sendmsg(2), of all the bytes: short sends are continued by the
/// backend, so that a result below `size` comes with an error or a cancellation in the middle.
/// MSG_NOSIGNAL always.
///
/// `silent` asks for one attempt that does not wait, and whose success wakes nobody: a full send
/// completes in the turn after the kernel entry that carried it, whatever else that turn brings; a
/// short one, or -EAGAIN, completes like any other and the owner sends the rest without the flag.
struct send_operation : operation {
  explicit send_operation(completion_handler handler) noexcept
      : send_operation(operation_kind::send, handler) {}
  const std::byte* data =
      nullptr;  ///< The bytes, when there is no vector. They stay until the completion.
  const msghdr* vector = nullptr;  ///< Stays, with all that it points to, until the completion.
  std::uint32_t size = 0;          ///< The sum of all bytes.
  bool silent = false;

 protected:
  send_operation(operation_kind kind, completion_handler handler) noexcept
      : operation(kind, handler) {}
};

/// The same from the bytes where they lie, without a copy by the kernel: SEND_ZC and SENDMSG_ZC
/// (Linux 6.0 and 6.1). Completes with its result and `more`, after which the next send may
/// follow, and once again with `notification` and without `more` when the kernel has let go of the
/// bytes: not before the peer has acknowledged them, in any order among operations, and after an
/// error or a cancellation as well. Until then the bytes stay. A result without `more` is the last:
/// the kernel never had the bytes. -EOPNOTSUPP: not on this kind of socket, or by this backend
/// (backend::zero_copy_sends); -ENOMEM: too much locked memory (RLIMIT_MEMLOCK). Never silent.
struct zero_copy_send_operation : send_operation {
  explicit zero_copy_send_operation(completion_handler handler) noexcept
      : send_operation(operation_kind::send_zero_copy, handler) {}
  static constexpr std::uint16_t no_region = 0xffff;
  /// The pool's region (slot::region) in which all of the bytes lie, or none.
  std::uint16_t region = no_region;
};

/// shutdown(2): SHUT_RD, SHUT_WR or SHUT_RDWR.
struct shutdown_operation : operation {
  explicit shutdown_operation(completion_handler handler) noexcept
      : operation(operation_kind::shutdown, handler) {}
  int how = SHUT_WR;
};

/// close(2). To be submitted when nothing else is in flight on the descriptor.
struct close_operation : operation {
  explicit close_operation(completion_handler handler) noexcept
      : operation(operation_kind::close, handler) {}
};

/// poll(2) on any descriptor: completes with the events that came.
struct poll_operation : operation {
  explicit poll_operation(completion_handler handler) noexcept
      : operation(operation_kind::poll, handler) {}
  std::uint32_t events = 0;  ///< POLLIN, POLLOUT.
  bool multishot = false;
};

/// Cancels another operation, as a step of a chain; elsewhere ask the backend. Completes with 0, or
/// with -ENOENT when that one had ended, or -EALREADY when it could not be stopped any more.
struct cancel_operation : operation {
  explicit cancel_operation(completion_handler handler) noexcept
      : operation(operation_kind::cancel, handler) {}
  operation* unwanted = nullptr;  ///< Stays until the completion.
};

/// The limit of a step of a chain (myra/io/chain_link.hpp).
struct link_timeout_operation : operation {
  explicit link_timeout_operation(completion_handler handler) noexcept
      : operation(operation_kind::link_timeout, handler) {}
  time_point deadline = never;
  /// For the backend: the deadline in the kernel's form.
  struct {
    std::int64_t seconds = 0;
    long long nanoseconds = 0;
  } backend_time;
};

/// Gives a socket, on which nothing is in flight, to another backend of this process. Success: it
/// is that one's, or on its way to it, and no longer ours. On errors it is still ours: -ENFILE when
/// the other one's table is full, -EBADF, -EBADFD or -EOWNERDEAD when it is gone. A direct
/// descriptor arrives as one, an ordinary one as itself.
struct hand_over_operation : operation {
  explicit hand_over_operation(completion_handler handler) noexcept
      : operation(operation_kind::hand_over, handler) {}
  inlet_address to;
};

}  // namespace myra::io
