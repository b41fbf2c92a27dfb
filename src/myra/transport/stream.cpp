#include "myra/transport/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "myra/transport/stream_call.hpp"
#include "myra/transport/stream_table.hpp"

namespace myra {

namespace {

/// Sets options of one socket, and keeps the first error.
class option_setter {
 public:
  option_setter(io::network& sockets, io::descriptor socket) noexcept
      : sockets_(sockets), socket_(socket) {}
  void set(int level, int name, int value) noexcept {
    const int status = sockets_.set_option(socket_, level, name, &value, sizeof value);
    // Unix sockets refuse what is TCP's, which is nothing to end a connection over.
    if (status < 0 && status != -EOPNOTSUPP && first_error_ == 0) first_error_ = status;
  }
  void set_sizes(const connection_options& options) noexcept {
    if (options.send_buffer_bytes != 0) set(SOL_SOCKET, SO_SNDBUF, options.send_buffer_bytes);
    if (options.receive_buffer_bytes != 0) set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer_bytes);
  }
  [[nodiscard]] int first_error() const noexcept { return first_error_; }

 private:
  io::network& sockets_;
  io::descriptor socket_;
  int first_error_ = 0;
};

}  // namespace

int apply(const connection_options& options, io::network& sockets, io::descriptor socket) noexcept {
  option_setter each(sockets, socket);
  if (options.no_delay) each.set(IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keep_alive) each.set(SOL_SOCKET, SO_KEEPALIVE, 1);
  each.set_sizes(options);
  return each.first_error();
}

void apply_to_accepted(int family, const connection_options& options, io::network& sockets,
                       io::descriptor socket) noexcept {
  if (family == AF_UNIX) option_setter(sockets, socket).set_sizes(options);
}

connection_options fit_for(int family, connection_options options) noexcept {
  if (family == AF_UNIX) options.receive = receive_mode::one_shot;
  return options;
}

namespace {

zero_copy_mode mode_of_sends(const connection_options& own,
                             const zero_copy_options& of_reactor) noexcept {
  const zero_copy_mode wanted =
      own.zero_copy == zero_copy_mode::automatic ? of_reactor.mode : own.zero_copy;
  // Through a send buffer that is smaller than such a send it would go piece by piece, each held
  // until the peer's delayed acknowledgement: a hundred times slower where it was measured.
  const bool cramped =
      own.send_buffer_bytes != 0 &&
      static_cast<std::uint32_t>(own.send_buffer_bytes) < of_reactor.threshold_bytes;
  return wanted == zero_copy_mode::automatic && cramped ? zero_copy_mode::never : wanted;
}

}  // namespace

stream::stream(stream_table& table, io::descriptor socket, const connection_options& options,
               std::uint64_t generation) noexcept
    : table_(table),
      loop_(table.runs_on()),
      options_(options),
      generation_(generation),
      receive_(*this, loop_.times_messages() ? &on_timed_receive_complete : &on_receive_complete),
      send_(*this, &on_send_complete),
      shutdown_(*this, &on_shutdown_complete),
      close_(*this, &on_close_complete),
      timer_(*this, &on_timer),
      attend_(*this, &on_attend),
      starved_(*this, &on_buffer_free),
      accepts_below_(options.send_high_water_bytes),
      policy_(mode_of_sends(options, table.runs_on().options().zero_copy),
              table.runs_on().options().zero_copy.threshold_bytes,
              table.runs_on().backend().zero_copy_sends()),
      last_activity_(table.runs_on().now()) {
  set_zero_copy_from();
  awaited_.set(send_need::end, !loop_.options().features.silent_sends);
  receive_.descriptor = send_.descriptor = shutdown_.descriptor = close_.descriptor = socket;
  if (const time_point first = next_deadline(); first != never) loop_.timers().arm(timer_, first);
}

result<connection> stream::connected(loop& runs, io::descriptor socket,
                                     const connection_options& options) noexcept {
  stream* made = stream_table::of(runs).adopt(socket, options);
  if (made == nullptr) return failure(std::make_error_code(std::errc::not_enough_memory));
  return made->owner();
}

stream::~stream() {
  drop_queue(queue_);
  drop_queue(received_);
}

void stream::begin(connection_handler& handler,
                   std::unique_ptr<connection_handler> owned) noexcept {
  handler_ = &handler;
  owned_handler_ = std::move(owned);
  receiving_ = true;
  call_handler([&](connection& peer) { handler_->on_open(peer); });
  if (state_ < connection_state::closing) arm_receive();
}

void stream::set_handler(connection_handler& handler) noexcept {
  handler_ = &handler;
  receiving_ = true;
  end_announced_ = false;
  attend_soon();
}

void stream::let_go() noexcept {
  held_ = false;
  close();
  free_if_done();
}

std::error_code stream::end_reason() const noexcept {
  if (why_) return why_;
  if (state_ >= connection_state::draining) return make_error_code(transport_errc::closed);
  return make_error_code(transport_errc::end_of_stream);
}

void stream::on_buffer_free(deferred& called) noexcept {
  stream& self = static_cast<own<deferred>&>(called).self;
  const bool received_before = !self.receive_.idle();
  self.arm_receive();
  const bool receives_now = !received_before && !self.receive_.idle();
  const bool told = self.tell_of_room();
  // Who stands in line again could not make do with it.
  if (!receives_now && (!told || self.starved_.linked())) self.loop_.pass_on_buffer();
}

void stream::half_close() noexcept {
  if (!sending_open()) return;
  half_close_asked_ = true;
  stop_accepting();
  attend_soon();
  if (send_.silent && !send_.idle()) loop_.hasten();
  wake_send_waiter();  // there will be no room any more
}

void stream::close() noexcept {
  if (state_ >= connection_state::draining) return;
  stop_accepting();
  stop_delivering();
  enter(connection_state::draining);
  due_ = never;
  if (!why_) why_ = make_error_code(transport_errc::closed);
  drop_received();
  wake_waiters();
  attend_soon();
  if (send_.silent && !send_.idle()) loop_.hasten();
}

// Everything queued has gone: now our end goes, once.
void stream::sending_done() noexcept {
  if (fin_sent_) {
    if (state_ == connection_state::draining && shutdown_.idle()) await_peer_end();
    return;
  }
  fin_sent_ = true;
  if (state_ == connection_state::draining && peer_ended_ && zero_copy_held_ == 0)
    return begin_closing();
  shutdown_.how = SHUT_WR;
  loop_.backend().submit(shutdown_);
  if (state_ == connection_state::open) enter(connection_state::sending_closed);
}

void stream::on_shutdown_complete(io::operation& completed, io::completion&) noexcept {
  // ENOTCONN says that the peer has reset: the receive side tells that better.
  stream& self = static_cast<own<io::shutdown_operation>&>(completed).self;
  if (self.state_ == connection_state::closing) return self.close_when_idle();
  if (self.state_ == connection_state::receiving_closed && self.received_.empty())
    self.both_ended();
  else if (self.state_ == connection_state::draining)
    self.await_peer_end();
}

// The application has the end of the input, and our own has gone.
void stream::both_ended() noexcept {
  // The input may have been ended by us alone: to close now would answer what still comes with a
  // reset, which takes what we sent away from a peer that has not read it yet.
  if (peer_ended_)
    close_in_order();
  else
    close();
}

// Draining, and our end has gone.
void stream::await_peer_end() noexcept {
  if (peer_ended_) return close_in_order();
  if (linger_end_ != never) return;
  linger_end_ = after(loop_.now(), options_.linger_timeout);
  loop_.timers().arm(timer_, next_deadline());
  arm_receive();
}

// Both ends are done. As long as the kernel holds bytes of ours the peer has not acknowledged them:
// a socket closed now would keep them for as long as that takes, and nobody could hurry it.
void stream::close_in_order() noexcept {
  if (zero_copy_held_ == 0) return begin_closing();
  if (closes_when_let_go_) return;
  closes_when_let_go_ = true;
  due_ = never;
  stop_accepting();
  stop_delivering();
  if (state_ < connection_state::draining) enter(connection_state::draining);
  if (!why_) why_ = make_error_code(transport_errc::closed);
  expect_acknowledgement();
}

void stream::expect_acknowledgement() noexcept {
  linger_end_ = options_.write_timeout == duration::zero()
                    ? never
                    : after(loop_.now(), options_.write_timeout);
  loop_.timers().arm(timer_, next_deadline());
}

// close(2) with a linger of zero sends a reset (socket(7), SO_LINGER), and lets go of what was sent
// and not acknowledged.
void stream::reset_at_close() noexcept {
  const linger none{.l_onoff = 1, .l_linger = 0};
  static_cast<void>(loop_.backend().sockets().set_option(descriptor(), SOL_SOCKET, SO_LINGER, &none,
                                                         sizeof none));
}

void stream::abort() noexcept {
  if (state_ >= connection_state::closing) return;
  reset_at_close();
  if (!why_) why_ = make_error_code(transport_errc::closed);
  drop_received();
  begin_closing();
}

void stream::fail(std::error_code why) noexcept {
  if (state_ >= connection_state::closing) return;
  if (!why_ || state_ < connection_state::draining) why_ = why;
  // What was accepted and does not go must not look like an end, and the kernel is not to keep the
  // rest for a peer that may never take it.
  if (queued_bytes_ != 0 || zero_copy_held_ != 0) reset_at_close();
  begin_closing();
}

void stream::fail(std::int32_t result, io::failing_call which) noexcept {
  failed_call_ = which;
  fail(kernel_error(result));
}

void stream::evict() noexcept { fail(make_error_code(transport_errc::buffers_wanted)); }

void stream::begin_closing() noexcept {
  if (state_ >= connection_state::closing) return;
  stop_accepting();
  stop_delivering();
  enter(connection_state::closing);
  if (!why_) why_ = make_error_code(transport_errc::closed);
  timer_.disarm();
  starved_.unlink();
  io::backend& backend = loop_.backend();
  backend.cancel(receive_);
  backend.cancel(send_);
  if (zero_copy_on_its_way()) backend.cancel(*zero_copy_);
  if (send_.silent && !send_.idle()) loop_.hasten();
  wake_waiters();
  // From a turn of its own: whoever called may still be using the connection.
  attend_soon();
}

void stream::close_when_idle() noexcept {
  if (state_ != connection_state::closing || !close_.idle()) return;
  if (!receive_.idle() || !send_.idle() || !shutdown_.idle()) return;
  if (!close_.descriptor.valid() || zero_copy_on_its_way()) return;
  drop_queue(queue_);
  queued_bytes_ = 0;
  loop_.backend().submit(close_);
}

void stream::on_close_complete(io::operation& completed, io::completion&) noexcept {
  // close(2) frees the descriptor whatever it returns.
  stream& self = static_cast<own<io::close_operation>&>(completed).self;
  self.receive_.descriptor = self.send_.descriptor = self.shutdown_.descriptor =
      self.close_.descriptor = {};
  if (self.zero_copy_held_ == 0) self.finish();
}

void stream::wake_waiters() noexcept {
  if (receive_waiter_ != nullptr) {
    auto* waiter = std::exchange(receive_waiter_, nullptr);
    waiter->wake(*waiter);
  }
  wake_send_waiter();
}

void stream::wake_send_waiter() noexcept {
  if (send_waiter_ == nullptr) return;
  auto* waiter = std::exchange(send_waiter_, nullptr);
  waiter->wake(*waiter);
}

void stream::finish() noexcept {
  enter(connection_state::closed);
  attend_.unlink();
  announce_close();
  finished_ = true;
  table_.finished();
  auto* parent = std::exchange(parent_, nullptr);
  free_if_done();
  // Last, as a parent may call the program, which may drop this one as well.
  if (parent != nullptr) parent->stream_ended();
}

void stream::announce_close() noexcept {
  const auto why = why_;
  if (handler_ != nullptr) call_handler([&](connection& peer) { handler_->on_close(peer, why); });
  handler_ = nullptr;
  owned_handler_.reset();
}

void stream::announce_close_late() noexcept {
  if (handler_ == nullptr) return;
  finished_ = false;  // the handler may let go of the connection, but is not to free it
  announce_close();
  finished_ = true;
  free_if_done();
}

void stream::free_if_done() noexcept {
  if (finished_ && !held_) table_.free(*this);
}

void stream::enter(connection_state next) noexcept {
  assert(may_follow(state_, next) && "docs/states.md");
  tell_watcher(std::exchange(state_, next));
}

void stream::tell_watcher(connection_state from) noexcept {
  if (options_.watcher == nullptr) return;
  connection_handle which;
  which.loop_ = &loop_;
  which.stream_ = this;
  which.generation_ = generation_;
  options_.watcher->on_transition(which, from, state_);
}

void stream::expect_within(duration limit) noexcept {
  if (due_ != never || state_ >= connection_state::draining) return;
  due_ = after(loop_.now(), limit);
  if (!timer_.armed() || timer_.deadline() > due_) loop_.timers().arm(timer_, due_);
}

duration stream::idle_limit() const noexcept {
  const duration first = options_.first_byte_timeout;
  const duration idle = options_.idle_timeout;
  if (used() || first == duration::zero()) return idle;
  return idle == duration::zero() ? first : std::min(first, idle);
}

time_point stream::next_deadline() const noexcept {
  time_point next = std::min(linger_end_, due_);
  if (const duration limit = idle_limit(); limit != duration::zero())
    next = std::min(next, after(last_activity_, limit));
  if (options_.write_timeout != duration::zero() && send_began_ != never)
    next = std::min(next, after(send_began_, options_.write_timeout));
  return next;
}

void stream::on_timer(timer& fired) noexcept {
  static_cast<own<timer>&>(fired).self.check_deadlines();
}

/// A close, a send, or what the kernel holds of one: each has a limit of its own, and bytes may
/// have gone just now.
bool stream::has_nearer_limit(time_point now) const noexcept {
  if (linger_end_ != never) return true;
  if (options_.write_timeout == duration::zero()) return false;
  return send_began_ != never ||
         (zero_copy_held_ != 0 && after(zero_copy_moved_, options_.write_timeout) > now);
}

/// Nothing can come while the program has paused it; what is to go meanwhile has its time all the
/// same.
bool stream::waits_for_program() const noexcept {
  return paused() && queued_bytes_ == 0 && zero_copy_held_ == 0;
}

void stream::check_deadlines() noexcept {
  const time_point now = loop_.now();
  if (linger_end_ <= now && closes_when_let_go_)
    return fail(make_error_code(transport_errc::write_timeout));
  if (linger_end_ <= now) {
    close_in_order();
    if (state_ >= connection_state::closing) return;
  }
  if (options_.write_timeout != duration::zero() && send_began_ != never &&
      after(send_began_, options_.write_timeout) <= now)
    return fail(make_error_code(transport_errc::write_timeout));
  if (due_ <= now) return fail(make_error_code(transport_errc::message_timeout));
  if (has_nearer_limit(now) || waits_for_program()) last_activity_ = now;
  if (const duration limit = idle_limit();
      limit != duration::zero() && after(last_activity_, limit) <= now)
    return fail(make_error_code(used() || limit == options_.idle_timeout
                                    ? transport_errc::idle_timeout
                                    : transport_errc::first_byte_timeout));
  // Something happened since the timer was armed: it costs nothing per message, and a look now and
  // then.
  loop_.timers().arm(timer_, next_deadline());
}

void stream::handler_threw(const char* what) noexcept {
  ++loop_.tally().handler_exceptions;
  std::string peer;
  lend([&](connection& lent) { peer = lent.peer().to_string(); });
  loop_.log()(log_level::error, "connection with " + peer + ": its handler threw: " + what);
  fail(make_error_code(transport_errc::handler_threw));
}

}  // namespace myra
