// A connected stream socket: bytes in as buffers, bytes out in order, every end told apart.
//
// States: drawn in docs/states.md. In draining, queued bytes go out, then our end (FIN); what still
// comes is dropped.
//
// A connection's memory is freed when it is closed, nothing of it is in flight and no handle is
// left.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "myra/core/clock.hpp"
#include "myra/core/error.hpp"
#include "myra/core/result.hpp"
#include "myra/memory/buffer.hpp"
#include "myra/memory/message.hpp"
#include "myra/reactor/arm_reason.hpp"
#include "myra/reactor/reactor.hpp"
#include "myra/transport/connection_state.hpp"
#include "myra/transport/endpoint.hpp"
#include "myra/transport/transport_error.hpp"

namespace myra {

class connection;
class stream;

/// How a receive is armed: again for each buffer, or once for many. `automatic` goes by the number
/// of connections and by what comes (receive_policy.hpp, docs/decisions/0017); on Unix sockets it
/// is one-shot, since some kernels lose the end of the stream otherwise.
enum class receive_mode : std::uint8_t { automatic, one_shot, multishot };

struct connection_options {
  bool no_delay = true;          ///< TCP_NODELAY, tcp(7).
  bool keep_alive = false;       ///< SO_KEEPALIVE, socket(7).
  int send_buffer_bytes = 0;     ///< SO_SNDBUF; zero leaves the kernel's own tuning on.
  int receive_buffer_bytes = 0;  ///< SO_RCVBUF; likewise.
  /// Closed with idle_timeout when nothing came or went for this long; zero: never. While a send
  /// is under way `write_timeout` counts in its place, and after close() `linger_timeout`. It
  /// begins again with `resume_receive`: before that, what is paused and has nothing to send is not
  /// idle.
  duration idle_timeout = std::chrono::minutes(5);
  /// Closed with first_byte_timeout when nothing at all has come or gone so long after it opened,
  /// or was resumed; zero: the idle time is all that counts.
  duration first_byte_timeout = std::chrono::minutes(1);
  /// Closed with write_timeout when one send, of 512 KiB at most, took longer; zero: never. So this
  /// is also the least rate at which a peer has to read.
  duration write_timeout = std::chrono::seconds(30);
  /// After close(): how long the peer has to close its side before we stop listening to it.
  duration linger_timeout = std::chrono::seconds(1);
  /// At this many queued bytes `send` says no ...
  std::uint32_t send_high_water_bytes = 1024 * 1024;
  /// ... until no more than this many are left.
  std::uint32_t send_low_water_bytes = 256 * 1024;
  /// A coroutine that does not receive lets this many bytes queue up; then the connection stops
  /// receiving.
  std::uint32_t receive_high_water_bytes = 256 * 1024;
  std::uint32_t receive_low_water_bytes = 64 * 1024;
  /// The same in buffers, since one byte may take a whole one; it receives again at a quarter.
  std::uint32_t receive_high_water_buffers = 64;
  /// No more bytes than this, and what fills the last buffer, are received in one turn, so that
  /// other connections get theirs (io::receive_operation::turn_bytes_max).
  std::uint32_t receive_turn_bytes = 512 * 1024;
  receive_mode receive = receive_mode::automatic;
  /// Of sends that wish nothing else.
  zero_copy_mode zero_copy = zero_copy_mode::automatic;
  /// Told of every change of state; borrowed. Null: nobody.
  connection_watcher* watcher = nullptr;
};

/// Names the first field that is out of bounds, what was found and what is allowed; empty when all
/// are right.
[[nodiscard]] std::string check(const connection_options& options);

enum class send_status : std::uint8_t {
  accepted,  ///< Taken; it will be sent in order, or the connection will end.
  /// The queue is at its high-water mark, or buffers are few: none is free, or the peer is slow and
  /// more than a share of what is left waits for it. Nothing was taken; on_writable will be called.
  back_pressured,
  closed,  ///< The connection sends no more; nothing was taken.
};

struct send_options {
  /// Whether the kernel may send from the buffer itself, which it then keeps until the peer has
  /// acknowledged the bytes. What is sent together shares one wish.
  zero_copy_mode zero_copy = zero_copy_mode::automatic;
};

/// What `send` says. Awaiting it (myra/transport/async.hpp) waits for room and then sends.
struct sent {
  send_status status = send_status::closed;
  send_options options;  ///< Of what was not sent.
  stream* to = nullptr;
  buffer* unsent_buffer = nullptr;
  byte_view unsent_bytes;
  friend bool operator==(const sent& left, send_status right) noexcept {
    return left.status == right;
  }
};

struct receive_options {
  /// From now; zero: no deadline.
  duration deadline = duration::zero();
};

/// What `receive` says: to be awaited.
struct receiving {
  stream* from = nullptr;
  receive_options options;
};

/// Callbacks of a connection, all on its reactor's thread. An exception out of one closes the
/// connection with handler_threw, is counted and logged, and touches nothing else. The handler must
/// live until on_close has returned.
class connection_handler {
 public:
  virtual ~connection_handler() = default;
  /// The connection is there: once, before anything else.
  virtual void on_open(connection& peer);
  /// Bytes came; lent for the length of the call.
  virtual void on_receive(connection& peer, message& bytes) = 0;
  /// The peer has sent all that it will send. By default closes, after what is queued has gone.
  virtual void on_end(connection& peer);
  /// After `send` had said back_pressured: queued bytes fell to the low-water mark, and buffers are
  /// not too few.
  virtual void on_writable(connection& peer);
  /// The reactor drains (`reactor::drain`, a signal). By default `end_input`: nothing more is
  /// received, on_end follows as if the peer had ended, and a handler that needs time to finish
  /// closes later. An override may go on receiving instead, and close when it is done; what is
  /// still open at the drain's deadline is cut.
  virtual void on_drain(connection& peer);
  /// The connection is over: once, the last call. `why` is transport_errc::closed after close() or
  /// abort().
  virtual void on_close(connection& peer, std::error_code why);
};

/// A name of a connection that may be kept anywhere and used from any thread; it holds nothing
/// alive.
class connection_handle {
 public:
  connection_handle() noexcept = default;

  /// Runs `call` on the reactor's thread if the connection still exists then. The reactor must
  /// still exist.
  [[nodiscard]] post_status post(std::move_only_function<void(connection&) noexcept> call) const;

  /// Of this connection alone, among all that its reactor ever had.
  [[nodiscard]] std::uint64_t id() const noexcept { return generation_; }

  friend bool operator==(const connection_handle&, const connection_handle&) noexcept = default;

 private:
  friend class connection;
  friend class stream;
  loop* loop_ = nullptr;
  stream* stream_ = nullptr;
  std::uint64_t generation_ = 0;
};

/// Per connection, since it opened.
struct connection_counters {
  std::uint64_t bytes_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_copied = 0;  ///< Payload that `send_copy` copied.
  std::uint32_t sends = 0;         ///< Send operations; one may carry many messages.
  /// Receive operations; a multishot one brings many messages.
  arms_by_reason<std::uint32_t> receive_arms;
  std::uint32_t zero_copy_asked = 0;    ///< Sends that were to go without a copy ...
  std::uint32_t zero_copy_granted = 0;  ///< ... and that the kernel did not copy.
};

/// Movable handle of a connection. In callbacks it is lent by the engine. In coroutines it is the
/// owner: its destruction calls close(). All on the reactor's thread. A moved-from one may only be
/// assigned to and destroyed.
class connection {
 public:
  connection() noexcept = default;
  connection(connection&& other) noexcept : stream_(std::exchange(other.stream_, nullptr)) {}
  connection& operator=(connection&& other) noexcept;
  ~connection() {
    if (stream_ != nullptr) let_go();
  }

  explicit operator bool() const noexcept { return stream_ != nullptr; }

  /// Queues a buffer, without a copy of ours. It is moved from only when accepted.
  sent send(buffer&& bytes) noexcept;
  sent send(buffer&& bytes, send_options options) noexcept;
  /// Queues a copy of `bytes`, whole or not at all.
  sent send_copy(byte_view bytes) noexcept;
  /// In a coroutine: `result<buffer> bytes = co_await peer.receive();` The end of the stream is
  /// transport_errc::end_of_stream.
  [[nodiscard]] receiving receive(receive_options options = {}) noexcept {
    return {stream_, options};
  }

  /// Sends our end (FIN) after what is queued. The peer may go on sending.
  void half_close() noexcept;
  /// Sends what is queued, then closes both ways. Nothing is received from now on.
  void close() noexcept;
  /// Resets at once: what is queued is dropped and a TCP peer sees ECONNRESET.
  void abort() noexcept;

  /// Stops and starts receiving: back-pressure onto the peer through the kernel's window. A buffer
  /// that was already on its way is delivered after resume.
  void pause_receive() noexcept;
  void resume_receive() noexcept;

  /// The peer owes us something, such as the rest of a message: unless `expect_nothing` is called
  /// within that time the connection is closed with message_timeout. What comes meanwhile does not
  /// put it off, and neither does a second call, so that a peer cannot by sending a byte now and
  /// then.
  void expect_within(duration limit) noexcept;
  void expect_nothing() noexcept;

  /// Receives no more; what has been received and not delivered yet still is, and then the end, as
  /// if the peer had ended. The peer may go on sending until this side closes; it is dropped.
  void end_input() noexcept;

  [[nodiscard]] connection_state state() const noexcept;
  [[nodiscard]] bool can_send() const noexcept;
  [[nodiscard]] std::uint32_t queued_bytes() const noexcept;
  [[nodiscard]] connection_counters counters() const noexcept;
  /// The peer's and our own address; empty when the kernel no longer knows.
  [[nodiscard]] endpoint peer() const noexcept;
  [[nodiscard]] endpoint local() const noexcept;
  /// `why`, of on_close or of what was awaited, in words: which connection, what failed there and
  /// the limit that it met. The kernel does not know the peer any more in on_close and after a
  /// reset: a program that wants it named there asks for it in on_open, and gives it as `peer`.
  [[nodiscard]] error_report report(std::error_code why, const endpoint& peer = {}) const;
  [[nodiscard]] connection_handle handle() const noexcept;
  /// A whole free buffer of the reactor's pool; empty at the pool's limit.
  [[nodiscard]] buffer acquire() noexcept;
  [[nodiscard]] loop& internals() const noexcept;
  /// getsockopt(2) and setsockopt(2) for what Myra has no name for.
  [[nodiscard]] result<void> set_option(int level, int name, int value) noexcept;

  /// A descriptor of the process for the same socket, with close-on-exec: for libraries that want
  /// one. It is the caller's to close, and the peer sees the end only when both are closed. One
  /// system call.
  [[nodiscard]] result<int> duplicate_descriptor() const noexcept;

  /// From now on callbacks go to `handler`, which is borrowed and must live until its on_close.
  /// What has arrived and was not received yet is delivered to it. For connections that came from
  /// `connect`.
  void set_handler(connection_handler& handler) noexcept;

 private:
  friend class stream;
  friend class connection_handle;
  explicit connection(stream* owned) noexcept : stream_(owned) {}
  void let_go() noexcept;
  stream* stream_ = nullptr;
};

}  // namespace myra
