#include <algorithm>
#include <cerrno>

#include "myra/core/copy.hpp"
#include "myra/io/error_table.hpp"
#include "myra/transport/mailbox.hpp"
#include "myra/transport/mailbox_call.hpp"

namespace myra {
namespace {

// What the kernel takes in one row: so many datagrams (UDP_MAX_SEGMENTS, 64 before Linux 6.9), and
// so many bytes, the headers of IPv6 and UDP counted.
constexpr std::uint32_t row_count_max = 64;
constexpr std::uint32_t row_size_max = 65'535 - 40 - 8;

}  // namespace

sent_datagram mailbox::refuse(const sent_datagram& unsent) noexcept {
  sent_datagram refused = unsent;
  refused.from = this;
  refused.status = send_status::closed;
  if (state_ != datagram_state::open) return refused;
  refused.status = send_status::back_pressured;
  wants_room_ = true;
  if (in_flight_count_ != 0) loop_.hasten();  // a silent send would end without waking anybody
  return refused;
}

/// What can never be sent is reported like what the kernel refuses.
sent_datagram mailbox::take_too_long(const endpoint* to) noexcept {
  ++too_long_count_;
  too_long_to_ = to == nullptr ? endpoint() : *to;
  attend_soon();
  return {.status = send_status::accepted, .from = this};
}

/// Into how large pieces a row is cut here. The last one may be shorter.
std::uint32_t mailbox::piece_size(std::uint32_t size, std::uint16_t segment_size) const noexcept {
  if (segment_size == 0 || size <= segment_size) return size;
  if (!facts_.segments) return segment_size;
  return std::min(row_count_max, std::max(row_size_max / segment_size, 1U)) * segment_size;
}

sent_datagram mailbox::send(buffer&& bytes, const endpoint* to,
                            std::uint16_t segment_size) noexcept {
  assert(bytes && "sending a buffer that was handed over");
  const std::uint32_t piece = piece_size(bytes.size(), segment_size);
  const segments pieces(bytes.bytes(), piece);
  const bool never_fits = pieces.count() > options_.send_queue_max;
  if (state_ != datagram_state::open || (free_count_ < pieces.count() && !never_fits))
    return refuse({.unsent_buffer = &bytes, .to = to, .segment_size = segment_size});
  if (never_fits) {
    bytes.release();
    return take_too_long(to);
  }
  slot& held = *std::move(bytes).into_slot();
  held.holder_count = 0;
  enqueue(held, {held.data, held.size}, to, segment_size, piece);
  return {.status = send_status::accepted, .from = this};
}

sent_datagram mailbox::send_copy(byte_view bytes, const endpoint* to,
                                 std::uint16_t segment_size) noexcept {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  const std::uint32_t piece = piece_size(size, segment_size);
  const auto count = segments(bytes, piece).count();
  const sent_datagram unsent{.unsent_bytes = bytes, .to = to, .segment_size = segment_size};
  if (state_ != datagram_state::open) return refuse(unsent);
  if (bytes.size() > loop_.pool().slot_size_bytes() || count > options_.send_queue_max)
    return take_too_long(to);
  if (free_count_ < count) return refuse(unsent);
  if (!open_copy(size)) {
    const sent_datagram refused = refuse(unsent);
    loop_.await_buffer(starved_);
    return refused;
  }
  const mutable_byte_view target{copy_->memory + copy_size_, size};
  copy_payload(target, bytes, loop_.tally().bytes_copied);
  copy_size_ += size;
  enqueue(*copy_, target, to, segment_size, piece);
  return {.status = send_status::accepted, .from = this};
}

/// Makes sure that `copy_` has room for so many bytes.
bool mailbox::open_copy(std::uint32_t size) noexcept {
  if (copy_ != nullptr && copy_size_ + size <= loop_.pool().slot_size_bytes()) return true;
  close_copy();
  loop_.pool().collect();
  buffer fresh = loop_.pool().acquire();
  if (!fresh) return false;
  copy_ = std::move(fresh).into_slot();
  copy_->holder_count = 1;  // this
  copy_size_ = 0;
  return true;
}

void mailbox::close_copy() noexcept {
  if (copy_ != nullptr) release_slot(*std::exchange(copy_, nullptr));
}

void mailbox::enqueue(slot& held, byte_view bytes, const endpoint* to, std::uint16_t segment_size,
                      std::uint32_t piece) noexcept {
  for (const byte_view each : segments(bytes, piece)) {
    outgoing_datagram& added = *free_;
    free_ = added.next;
    --free_count_;
    if (to == nullptr)
      added.to.assign(nullptr, 0);
    else
      added.to.assign(to->address(), to->size());
    added.held = &held;
    ++held.holder_count;
    added.tried_again = false;
    added.hold(each, facts_.segments ? segment_size : std::uint16_t{0});
    queue_.push(added);
  }
  attend_soon();
}

void mailbox::flush() noexcept {
  close_copy();  // what is in the kernel's hands grows no more
  if (full_) {
    // One that waits for room; the others would find none either, and overtake it.
    if (in_flight_count_ == 0 && !queue_.empty()) submit(queue_.pop());
    return;
  }
  while (!queue_.empty()) submit(queue_.pop());
}

void mailbox::submit(outgoing_datagram& next) noexcept {
  if (next.held->owner == slot_owner::application) next.held->pool->hand_to_kernel(*next.held);
  next.silent = silent_sends_ && !full_ && !wants_room_ && state_ == datagram_state::open &&
                next.held->owner == slot_owner::kernel;  // nobody waits for it elsewhere
  ++in_flight_count_;
  ++loop_.tally().sends;
  loop_.backend().submit(next);
}

void mailbox::on_send_complete(io::operation& completed, io::completion& what) noexcept {
  auto& gone = static_cast<outgoing_datagram&>(completed);
  mailbox& self = *gone.self;
  --self.in_flight_count_;
  self.full_ = false;
  if (what.result >= 0) {
    self.sent(gone);
    self.retire(gone);
  } else {
    self.send_failed(gone, what.result);
  }
  if (self.state_ == datagram_state::closing) return self.close_when_idle();
  self.go_on_sending();
  self.tell_of_room();
}

void mailbox::sent(const outgoing_datagram& gone) noexcept {
  counters_.sent += segments(gone.bytes(), gone.segment_size).count();
  counters_.bytes_sent += gone.size;
  loop_.tally().bytes_sent += gone.size;
}

void mailbox::send_failed(outgoing_datagram& failed, std::int32_t result) noexcept {
  const endpoint to = failed.to.to_endpoint();
  const io::reaction next = io::reaction_to(io::failing_call::send_datagram, result);
  if (next == io::reaction::back_off) {
    full_ = true;
    return again_.push(failed);
  }
  // A device without checksums cannot cut rows (EIO, Linux 4.18 and newer): from now on we do.
  if (next == io::reaction::fatal && failed.segment_size != 0 && cut_again(failed)) return;
  // Of the socket and not of the datagram that met it: told by the network about an earlier one,
  // and taken away from the socket by being told (udp(7)).
  const bool connected = facts_.peer.family() != AF_UNSPEC;
  if (next == io::reaction::retry && !failed.tried_again && connected) {
    failed.tried_again = true;
    again_.push(failed);
  } else {
    retire(failed);
  }
  if (result != -ECANCELED) report(-result, to);
}

/// Has a row sent in pieces; false when there are not entries enough.
bool mailbox::cut_again(outgoing_datagram& row) noexcept {
  facts_.segments = false;
  const segments pieces(row.bytes(), row.segment_size);
  if (pieces.count() - 1 > free_count_) return false;
  for (const byte_view each : pieces) {
    outgoing_datagram& piece = each.data() == row.bytes().data() ? row : *free_;
    if (&piece != &row) {
      free_ = piece.next;
      --free_count_;
      piece.to = row.to;
      piece.held = row.held;
      ++piece.held->holder_count;
      piece.tried_again = false;
      piece.hold(each, 0);
    }
    again_.push(piece);
  }
  row.hold(*pieces.begin(), 0);
  return true;
}

void mailbox::retire(outgoing_datagram& done) noexcept {
  release_slot(*std::exchange(done.held, nullptr));
  done.next = free_;
  free_ = &done;
  ++free_count_;
}

void mailbox::release_slot(slot& held) noexcept {
  if (--held.holder_count != 0) return;
  if (held.owner != slot_owner::application) held.pool->take_from_kernel(held);
  held.pool->release(held);
}

/// After a completion: what came back goes before what is new, when nothing is in flight.
void mailbox::go_on_sending() noexcept {
  if (in_flight_count_ == 0) queue_.prepend(again_);
  if (!queue_.empty() && (in_flight_count_ == 0 || !full_)) return attend_soon();
  const bool all_gone = queue_.empty() && again_.empty() && in_flight_count_ == 0;
  if (state_ == datagram_state::draining && all_gone) begin_closing();
}

bool mailbox::tell_of_room() noexcept {
  if (!wants_room_ || queued_count() > options_.send_queue_low || state_ != datagram_state::open)
    return false;
  wants_room_ = false;
  if (send_waiter_ != nullptr) {
    stream_waiter* waiter = std::exchange(send_waiter_, nullptr);
    waiter->wake(*waiter);
  } else if (handler_ != nullptr) {
    call_handler([&](datagram_socket& on) { handler_->on_writable(on); });
  }
  return true;
}

void mailbox::wait_send(stream_waiter* waiter) noexcept {
  assert((waiter == nullptr || send_waiter_ == nullptr) &&
         "two coroutines wait to send on one datagram socket");
  send_waiter_ = waiter;
}

void mailbox::drop_queue() noexcept {
  close_copy();
  queue_.prepend(again_);
  while (!queue_.empty()) retire(queue_.pop());
}

}  // namespace myra
