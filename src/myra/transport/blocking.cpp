#include "myra/transport/blocking.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <thread>
#include <utility>

#include "myra/core/copy.hpp"
#include "myra/reactor/async.hpp"
#include "myra/transport/async.hpp"

namespace myra {

struct blocking_connection::parts {
  reactor on;
  connection peer;
  /// Received and not yet asked for.
  buffer rest;
  duration linger;
  std::thread::id owner = std::this_thread::get_id();

  [[nodiscard]] loop& under() noexcept { return on.internals(); }
  [[nodiscard]] time_point limit(duration deadline) noexcept {
    return deadline > duration::zero() ? after(under().backend().now(), deadline) : never;
  }
  /// One turn. Error: the moment has passed, or the backend failed.
  result<void> turn_before(time_point limit);
  result<void> queue(byte_view bytes, time_point limit);
  result<void> flush(time_point limit);
  result<std::size_t> receive_before(mutable_byte_view into, time_point limit);
};

namespace {

reactor_options small_reactor(const blocking_options& wanted) {
  reactor_options options;
  options.backend = wanted.backend;
  options.source = wanted.source;
  options.pool.slot_count_initial = 32;
  options.pool.slot_count_max = 256;
  options.receive_buffer_count = 16;
  options.submission_entries = 8;
  options.completion_entries = 64;
  // Each send is waited for, and the end of a silent one would wake nobody.
  options.features.silent_sends = false;
  // The bytes are copied anyway, and what the kernel has of its own it delivers after the end, when
  // nobody turns the reactor any more.
  options.features.zero_copy_sends = false;
  return options;
}

task<result<connection>> connected(reactor& on, endpoint to, connect_options options) {
  co_return co_await connect(on, to, options);
}

task<result<buffer>> received(connection& peer, receive_options options) {
  co_return co_await peer.receive(options);
}

/// Why the connection sends no more: awaiting an empty send on one that is closed tells.
task<result<void>> why_closed(connection& peer) { co_return co_await peer.send_copy({}); }

}  // namespace

result<void> blocking_connection::parts::turn_before(time_point limit) {
  under().begin_turns();  // time has gone by between the calls
  if (limit != never && under().backend().now() >= limit)
    return failure(transport_errc::write_timeout);
  return under().turn(limit);
}

result<void> blocking_connection::parts::queue(byte_view bytes, time_point limit) {
  const std::size_t piece_size_max = under().pool().slot_size_bytes();
  while (!bytes.empty()) {
    const byte_view piece = bytes.first(std::min(bytes.size(), piece_size_max));
    const sent answer = peer.send_copy(piece);
    if (answer == send_status::accepted) {
      bytes = bytes.subspan(piece.size());
      continue;
    }
    if (answer == send_status::closed) return run(on, why_closed(peer));
    if (auto turned = turn_before(limit); !turned) return turned;
  }
  return {};
}

result<void> blocking_connection::parts::flush(time_point limit) {
  while (peer.queued_bytes() > 0)
    if (auto turned = turn_before(limit); !turned) return turned;
  // The queue of a connection that failed is empty as well.
  if (!peer.can_send()) return run(on, why_closed(peer));
  return {};
}

result<std::size_t> blocking_connection::parts::receive_before(mutable_byte_view into,
                                                               time_point limit) {
  if (!rest) {
    receive_options options;
    if (limit != never) {
      // At least a nanosecond: zero would mean no deadline. What is there already is given all the
      // same.
      options.deadline = std::max(limit - under().backend().now(), duration{1});
    }
    auto bytes = run(on, received(peer, options));
    if (!bytes && bytes.error() == transport_errc::end_of_stream) return 0;
    if (!bytes) return failure(bytes.error());
    rest = std::move(*bytes);
  }
  const std::size_t count = std::min<std::size_t>(into.size(), rest.size());
  copy_payload(into, rest.bytes().first(count), under().tally().bytes_copied);
  rest.remove_prefix(static_cast<std::uint32_t>(count));
  if (rest.empty()) rest.release();
  return count;
}

opened<blocking_connection> blocking_connection::connect(std::string_view address,
                                                         const blocking_options& options) {
  const auto to = endpoint::parse(address);
  if (!to) return std::unexpected(to.error());
  auto on = reactor::open(small_reactor(options));
  if (!on) return std::unexpected(std::move(on.error()));
  connect_options how;
  how.deadline = options.deadline;
  how.connection = options.connection;
  std::vector<connect_failure> failures;
  how.failures = &failures;
  auto peer = run(*on, connected(*on, *to, how));
  if (!peer) return std::unexpected(connect_report(peer.error(), failures, how));
  return blocking_connection(std::make_unique<parts>(std::move(*on), std::move(*peer), buffer{},
                                                     options.connection.linger_timeout));
}

blocking_connection::blocking_connection(std::unique_ptr<parts> owned) noexcept
    : parts_(std::move(owned)) {}
blocking_connection::blocking_connection(blocking_connection&&) noexcept = default;
blocking_connection& blocking_connection::operator=(blocking_connection&& other) noexcept {
  if (this == &other) return *this;
  if (parts_) close();
  parts_ = std::move(other.parts_);
  return *this;
}
blocking_connection::~blocking_connection() {
  if (parts_) close();
}

blocking_connection::parts& blocking_connection::checked() const noexcept {
  assert(parts_ && "blocking connection used after it was moved from");
  assert(parts_->owner == std::this_thread::get_id() && "only the thread that connected may call");
  return *parts_;
}

result<void> blocking_connection::send(byte_view bytes, duration deadline) {
  parts& own = checked();
  const time_point limit = own.limit(deadline);
  if (auto queued = own.queue(bytes, limit); !queued) return queued;
  return own.flush(limit);
}

result<std::size_t> blocking_connection::receive(mutable_byte_view into, duration deadline) {
  assert(!into.empty() && "zero bytes mean the end of the stream");
  parts& own = checked();
  return own.receive_before(into, own.limit(deadline));
}

result<void> blocking_connection::receive_exact(mutable_byte_view into, duration deadline) {
  parts& own = checked();
  const time_point limit = own.limit(deadline);
  while (!into.empty()) {
    const auto count = own.receive_before(into, limit);
    if (!count) return failure(count.error());
    if (*count == 0) return failure(transport_errc::end_of_stream);
    into = into.subspan(*count);
  }
  return {};
}

result<void> blocking_connection::half_close() {
  parts& own = checked();
  if (!own.peer.can_send()) return run(own.on, why_closed(own.peer));
  own.under().begin_turns();
  own.peer.half_close();
  // The shutdown goes to the kernel with the next entry; without a wait, for what it completes with
  // changes nothing.
  return own.under().turn(time_point{});
}

void blocking_connection::close() noexcept {
  parts& own = checked();
  own.rest.release();
  own.under().begin_turns();
  own.peer.close();
  const time_point limit = after(after(own.under().backend().now(), own.linger), own.linger);
  while (own.peer.state() != connection_state::closed && own.under().backend().now() < limit)
    if (!own.under().turn(limit)) return;
}

endpoint blocking_connection::peer() const noexcept { return checked().peer.peer(); }
endpoint blocking_connection::local() const noexcept { return checked().peer.local(); }
io::backend_kind blocking_connection::backend() const noexcept { return checked().on.backend(); }

}  // namespace myra
