#include "myra/transport/mailbox.hpp"

#include <algorithm>
#include <cerrno>
#include <string>

#include "myra/transport/mailbox_call.hpp"

namespace myra {

mailbox::mailbox(loop& runs, const socket_facts& facts, const datagram_options& options)
    : loop_(runs),
      options_(options),
      facts_(facts),
      receive_(*this, loop_.times_messages() ? &on_timed_receive_complete : &on_receive_complete),
      close_(*this, &on_close_complete),
      linger_(*this, &on_linger_over),
      attend_(*this, &on_attend),
      starved_(*this, &on_buffer_free),
      free_count_(options.send_queue_max),
      // What the kernel has received when a full queue stops it has to lie somewhere as well.
      received_(options.receive_queue_max + 2 * runs.options().receive_buffer_count),
      silent_sends_(runs.options().features.silent_sends) {
  receive_.descriptor = close_.descriptor = facts.descriptor;
  for (std::uint32_t i = 0; i < options.send_queue_max; ++i) {
    outgoing_datagram& made = entries_.emplace_back(&on_send_complete);
    made.descriptor = facts.descriptor;
    made.self = this;
    made.next = free_;
    free_ = &made;
  }
  runs.enlist(*this);
}

mailbox::~mailbox() = default;

void mailbox::serve(datagram_handler& handler) noexcept {
  handler_ = &handler;
  receiving_ = true;
  attend_soon();
}

void mailbox::on_attend(deferred& called) noexcept {
  mailbox& self = static_cast<own<deferred>&>(called).self;
  if (self.state_ == datagram_state::closing) return self.close_when_idle();
  if (self.handler_ != nullptr) self.deliver_queued();
  self.report_too_long();
  self.flush();
  self.go_on_sending();
  self.arm_receive();
  self.end_of_input();
}

void mailbox::on_buffer_free(deferred& called) noexcept {
  mailbox& self = static_cast<own<deferred>&>(called).self;
  const bool received_before = !self.receive_.idle();
  self.arm_receive();
  const bool receives_now = !received_before && !self.receive_.idle();
  const bool told = self.tell_of_room();
  // Who stands in line again could not make do with it.
  if (!receives_now && (!told || self.starved_.linked())) self.loop_.pass_on_buffer();
}

void mailbox::drain() noexcept {
  if (state_ != datagram_state::open || input_ended_) return;
  if (handler_ != nullptr)
    return call_handler([&](datagram_socket& on) { handler_->on_drain(on); });
  if (receiving_) return end_input();
  close();
}

void mailbox::close() noexcept {
  if (state_ != datagram_state::open) return;
  state_ = datagram_state::draining;
  drop_received();
  loop_.backend().cancel(receive_);
  starved_.unlink();
  loop_.timers().arm(linger_, after(loop_.now(), options_.linger_timeout));
  wake_waiters();
  attend_soon();
  if (in_flight_count_ != 0) loop_.hasten();  // a silent send would end without waking anybody
}

void mailbox::abort() noexcept {
  if (state_ < datagram_state::closing) begin_closing();
}

void mailbox::on_linger_over(timer& fired) noexcept {
  static_cast<own<timer>&>(fired).self.abort();
}

void mailbox::begin_closing() noexcept {
  state_ = datagram_state::closing;
  linger_.disarm();
  starved_.unlink();
  drop_received();
  loop_.backend().cancel(receive_);
  for (outgoing_datagram& each : entries_) loop_.backend().cancel(each);
  wake_waiters();
  // From a turn of its own: whoever called may still be using the socket.
  attend_soon();
  if (in_flight_count_ != 0) loop_.hasten();
}

void mailbox::close_when_idle() noexcept {
  if (!receive_.idle() || in_flight_count_ != 0 || !close_.idle()) return;
  if (!close_.descriptor.valid()) return;
  drop_queue();
  loop_.backend().submit(close_);
}

void mailbox::on_close_complete(io::operation& completed, io::completion&) noexcept {
  mailbox& self = static_cast<own<io::close_operation>&>(completed).self;
  self.close_.descriptor = {};
  self.state_ = datagram_state::closed;
  self.attend_.unlink();
  if (self.handler_ != nullptr)
    self.call_handler([&](datagram_socket& on) { self.handler_->on_close(on); });
  self.handler_ = nullptr;
  self.announced_ = true;
  self.free_if_done();
}

void mailbox::abandon() noexcept {
  abandoned_ = true;
  handler_ = nullptr;
  close();
  free_if_done();
}

void mailbox::free_if_done() noexcept {
  if (abandoned_ && announced_) delete this;
}

void mailbox::wake_waiters() noexcept {
  for (stream_waiter** each : {&receive_waiter_, &send_waiter_})
    if (*each != nullptr) {
      stream_waiter* waiter = std::exchange(*each, nullptr);
      waiter->wake(*waiter);
    }
}

void mailbox::report(int error, const endpoint& about) noexcept {
  ++counters_.errors;
  const datagram_error what{kernel_error(-error),
                            facts_.peer.family() == AF_UNSPEC ? about : facts_.peer};
  if (handler_ != nullptr)
    return call_handler([&](datagram_socket& on) { handler_->on_error(on, what); });
  if (state_ != datagram_state::open) return;
  // The next receive tells of the first one; all are counted.
  if (!pending_error_) pending_error_ = what.code;
  if (receive_waiter_ == nullptr) return;
  stream_waiter* waiter = std::exchange(receive_waiter_, nullptr);
  waiter->wake(*waiter);
}

void mailbox::report_too_long() noexcept {
  while (too_long_count_ > 0) {
    --too_long_count_;
    report(EMSGSIZE, too_long_to_);
  }
}

void mailbox::handler_threw(const char* what) noexcept {
  ++loop_.tally().handler_exceptions;
  loop_.log()(log_level::error,
              "datagram socket " + facts_.local.to_string() + ": its handler threw: " + what);
}

}  // namespace myra
