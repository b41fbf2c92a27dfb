// A UDP socket: datagrams in with their peers' addresses, datagrams out, none of them more reliable
// than UDP is, and nothing that goes wrong on this side of the wire left unsaid.
//
// States:
//
//   open ──close(), or drain() when all is delivered──▶ draining
//   draining ──what was queued has gone, or linger_timeout──▶ closing
//   any ──abort()──▶ closing ──nothing in flight──▶ closed
//
// Nothing is allocated for a datagram: the queues are made when the socket opens.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>

#include "myra/core/clock.hpp"
#include "myra/core/error.hpp"
#include "myra/core/result.hpp"
#include "myra/io/datagram_operation.hpp"
#include "myra/memory/buffer.hpp"
#include "myra/reactor/reactor.hpp"
#include "myra/transport/connection.hpp"
#include "myra/transport/endpoint.hpp"
#include "myra/transport/segments.hpp"

namespace myra {

class mailbox;

struct datagram_options {
  /// Bound to, as `endpoint::parse` reads it; IPv4 or IPv6. Empty: any free port, for a socket that
  /// has a peer.
  std::string address = {};
  /// connect(2)ed to: nothing is received from anywhere else, `send` needs no address, and a peer
  /// that refuses is reported. Empty: not connected.
  std::string peer = {};
  bool reuse_address = false;  ///< SO_REUSEADDR: others that ask for it too may share the port.
  bool reuse_port = false;     ///< SO_REUSEPORT: the kernel spreads peers over all that share it.
  bool ipv6_only = false;      ///< For IPv6 addresses; false serves IPv4 as well.
  /// A UDP socket that somebody else bound; -1: make one. `address` is ignored then. The socket
  /// owns it from now on.
  int inherited_descriptor = -1;
  int send_buffer_bytes = 0;     ///< SO_SNDBUF; zero leaves the kernel's default.
  int receive_buffer_bytes = 0;  ///< SO_RCVBUF; likewise. What does not fit there is lost.
  /// Receive rows: what comes in a row from one peer may be one buffer of several datagrams
  /// (UDP_GRO, Linux 5.0; without it nothing changes). Needs slots of `coalesced_slot_size_bytes`.
  bool coalesce = false;
  /// Datagrams that may wait to be sent; then `send` says no ...
  std::uint32_t send_queue_max = 256;
  /// ... until no more than this many are left.
  std::uint32_t send_queue_low = 64;
  /// Datagrams that may wait for a coroutine; then the socket stops receiving.
  std::uint32_t receive_queue_max = 256;
  /// After close(): how long what is queued may take to go.
  duration linger_timeout = std::chrono::seconds(1);
};

/// The least slot size for `coalesce`: a whole row of 65,527 bytes and what the kernel tells of it.
inline constexpr std::uint32_t coalesced_slot_size_bytes = 65'664;

/// Names the first field that is out of bounds, what was found and what is allowed; empty when all
/// are right.
[[nodiscard]] std::string check(const datagram_options& options);

/// What came, owned.
struct datagram {
  buffer bytes;
  endpoint peer;
  /// Not zero: a row of several datagrams of this size, the last may be shorter. See `segments`.
  std::uint32_t segment_size = 0;
  /// Of all that came.
  std::uint32_t size = 0;

  /// It was larger than a slot has room for, and the rest of it is lost.
  [[nodiscard]] bool truncated() const noexcept { return size > bytes.size(); }
};

/// What came, lent to a handler for the length of the call.
class lent_datagram {
 public:
  /// Both are the engine's, and outlive this.
  lent_datagram(buffer& lent, const io::arrival& from) noexcept : buffer_(lent), from_(from) {}
  lent_datagram(const lent_datagram&) = delete;
  lent_datagram& operator=(const lent_datagram&) = delete;

  /// Valid until the handler returns or detaches.
  [[nodiscard]] byte_view bytes() const& noexcept { return buffer_.bytes(); }
  byte_view bytes() const&& = delete;
  [[nodiscard]] mutable_byte_view writable() & noexcept { return buffer_.writable(); }
  [[nodiscard]] endpoint peer() const noexcept {
    return endpoint::from_kernel(from_.peer, from_.peer_size);
  }
  /// As in `datagram`.
  [[nodiscard]] std::uint32_t segment_size() const noexcept { return from_.segment_size; }
  [[nodiscard]] std::uint32_t size() const noexcept { return from_.size; }
  [[nodiscard]] bool truncated() const noexcept { return from_.size > buffer_.size(); }

  /// Claims the buffer: it is the caller's. Once.
  [[nodiscard]] buffer detach() noexcept {
    assert(buffer_ && "datagram detached twice");
    return std::move(buffer_);
  }

 private:
  buffer& buffer_;
  const io::arrival& from_;
};

/// Something that went wrong, and that the socket survives: a datagram that the kernel refused to
/// send (EMSGSIZE, EPERM ...), or what the network told of earlier ones (ECONNREFUSED,
/// EHOSTUNREACH; on connected sockets only, ip(7)).
struct datagram_error {
  std::error_code code;
  endpoint peer;  ///< Whom it was for; of a connected socket, its peer.
};

class datagram_socket;

/// Callbacks of a datagram socket, all on its reactor's thread, none after the socket's owner has
/// destroyed it. An exception out of one is counted and logged, and the socket goes on: what
/// strangers send is to end nothing. The handler must live as long as the socket, or until on_close
/// has returned. `on` is lent, and not to be moved from.
class datagram_handler {
 public:
  virtual ~datagram_handler() = default;
  virtual void on_datagram(datagram_socket& on, lent_datagram& came) = 0;
  /// By default nothing; it was counted.
  virtual void on_error(datagram_socket& on, const datagram_error& what);
  /// The queue fell to send_queue_low after `send` had said back_pressured.
  virtual void on_writable(datagram_socket& on);
  /// The reactor drains. By default `drain`.
  virtual void on_drain(datagram_socket& on);
  /// The socket is closed: once, the last call.
  virtual void on_close(datagram_socket& on);
};

/// Since it opened.
struct datagram_counters {
  std::uint64_t received = 0;  ///< Datagrams, with each of a row.
  std::uint64_t bytes_received = 0;
  std::uint64_t truncated = 0;
  std::uint64_t dropped = 0;  ///< By us: there was no room for what had come.
  std::uint64_t sent = 0;     ///< Taken by the kernel: datagrams, with each of a row.
  std::uint64_t bytes_sent = 0;
  std::uint64_t errors = 0;  ///< Those of on_error.
};

enum class datagram_state : std::uint8_t { open, draining, closing, closed };

/// What `send` says. Awaiting it (myra/transport/datagram_async.hpp) waits for room and then sends.
struct sent_datagram {
  send_status status = send_status::closed;
  mailbox* from = nullptr;
  buffer* unsent_buffer = nullptr;
  byte_view unsent_bytes = {};
  const endpoint* to = nullptr;
  std::uint16_t segment_size = 0;
  friend bool operator==(const sent_datagram& left, send_status right) noexcept {
    return left.status == right;
  }
};

/// What `receive` says: to be awaited.
struct receiving_datagram {
  mailbox* from = nullptr;
  receive_options options;
};

/// Movable owner, all on the reactor's thread. Its destruction closes: what is queued still goes.
class datagram_socket {
 public:
  /// Errors: invalid, permission_denied, system errors of bind(2) and connect(2); the report names
  /// the address or the field.
  [[nodiscard]] static opened<datagram_socket> open(reactor& on, const datagram_options& options);
  datagram_socket(datagram_socket&& other) noexcept
      : mailbox_(std::exchange(other.mailbox_, nullptr)) {}
  datagram_socket& operator=(datagram_socket&& other) noexcept;
  ~datagram_socket();

  /// Callbacks from now on; the handler is borrowed.
  void serve(datagram_handler& handler) noexcept;

  /// Queues a datagram, without a copy: `bytes` is moved from only when it is accepted, and stays
  /// whole in one slot. What is too long for the kernel is reported by on_error (EMSGSIZE). With a
  /// `segment_size` it is a row: cut into datagrams of that size, the last may be shorter; by the
  /// kernel where it can (UDP_SEGMENT), else here. `to` is read before the call returns, unless the
  /// result is awaited.
  sent_datagram send(buffer&& bytes, const endpoint& to, std::uint16_t segment_size = 0) noexcept;
  /// The same, of a copy; longer than a slot is too long. Copies of one turn share slots.
  sent_datagram send_copy(byte_view bytes, const endpoint& to,
                          std::uint16_t segment_size = 0) noexcept;
  /// The same, on a connected socket.
  sent_datagram send(buffer&& bytes, std::uint16_t segment_size = 0) noexcept;
  sent_datagram send_copy(byte_view bytes, std::uint16_t segment_size = 0) noexcept;

  /// In a coroutine: `result<datagram> came = co_await socket.receive();` Errors: those of
  /// datagram_error, after which the socket lives on; receive_timeout and cancelled, likewise; and
  /// transport_errc::closed when nothing will come any more.
  [[nodiscard]] receiving_datagram receive(receive_options options = {}) noexcept {
    return {mailbox_, options};
  }

  /// Receives no more; what has been received is still delivered. With a handler the socket closes
  /// then; a coroutine is told `closed` by receive.
  void drain() noexcept;
  /// Sends what is queued, then closes. Nothing is received from now on.
  void close() noexcept;
  /// Closes at once: what is queued is dropped.
  void abort() noexcept;

  /// Stops and starts receiving. Meanwhile the kernel keeps what fits into its buffer.
  void pause_receive() noexcept;
  void resume_receive() noexcept;

  [[nodiscard]] datagram_state state() const noexcept;
  /// Datagrams, or rows, that are queued or with the kernel.
  [[nodiscard]] std::uint32_t queued_count() const noexcept;
  [[nodiscard]] const datagram_counters& counters() const noexcept;
  /// Datagrams that the kernel dropped because its receive buffer was full (SO_MEMINFO,
  /// Linux 4.12).
  [[nodiscard]] result<std::uint32_t> kernel_drop_count() const noexcept;
  /// The address bound to, with the port that the kernel chose; the peer, or empty.
  [[nodiscard]] const endpoint& local() const noexcept;
  [[nodiscard]] const endpoint& peer() const noexcept;
  /// Rows are cut by the kernel; what comes is put into rows by it.
  [[nodiscard]] bool segments_in_kernel() const noexcept;
  [[nodiscard]] bool coalesces() const noexcept;
  /// A whole free buffer of the reactor's pool; empty at the pool's limit.
  [[nodiscard]] buffer acquire() noexcept;
  /// setsockopt(2) for what Myra has no name for.
  [[nodiscard]] result<void> set_option(int level, int name, int value) noexcept;

 private:
  friend class mailbox;
  explicit datagram_socket(mailbox* owned) noexcept : mailbox_(owned) {}
  mailbox* mailbox_ = nullptr;
};

}  // namespace myra
