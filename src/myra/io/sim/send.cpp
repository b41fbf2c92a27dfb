// Sending: bytes into a simulated connection as there is room, until all have gone.
#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>
#include <vector>

#include "myra/io/sim/errors.hpp"
#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {
namespace {

using sim::event;
using sim::fault;

/// The next bytes of a send of which `done` have gone; of a vector, those of one part.
byte_view rest_of(const send_operation& send, std::size_t done) noexcept {
  if (send.vector == nullptr) return {send.data + done, send.size - done};
  for (std::size_t i = 0; i < send.vector->msg_iovlen; ++i) {
    const iovec& part = send.vector->msg_iov[i];
    if (done < part.iov_len)
      return {static_cast<const std::byte*>(part.iov_base) + done, part.iov_len - done};
    done -= part.iov_len;
  }
  return {};
}

std::uint64_t sum_of(const std::vector<byte_view>& pieces) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325;  // FNV-1a
  for (const byte_view piece : pieces)
    for (const std::byte each : piece)
      sum = (sum ^ static_cast<std::uint8_t>(each)) * 0x100000001b3;
  return sum;
}

}  // namespace

void sim_backend::hold(flight& begun) {
  const auto& send = static_cast<const send_operation&>(*begun.op);
  if (send.vector == nullptr) begun.held.emplace_back(send.data, send.size);
  for (std::size_t i = 0; send.vector != nullptr && i < send.vector->msg_iovlen; ++i) {
    const iovec& part = send.vector->msg_iov[i];
    begun.held.emplace_back(static_cast<const std::byte*>(part.iov_base), part.iov_len);
  }
  begun.sum = sum_of(begun.held);
}

/// The result is told: from now on the socket may be closed.
void sim_backend::let_go_later(flight& sent) {
  if (sent.on != nullptr) --std::exchange(sent.on, nullptr)->in_flight;
  const std::uint64_t wait_us = chance_.chance(50) ? 3'000'000 : 30'000;
  world_.at(world_.now() + std::chrono::microseconds(chance_.below(wait_us)), &on_let_go, nullptr,
            std::uint64_t{serial_} << 32 | sent.serial);
}

void sim_backend::on_let_go(sim::simulation& world, const sim::appointment& due) {
  sim_backend* self = find(world, due.value >> 32);
  flight* held = find_flight(self, static_cast<std::uint32_t>(due.value));
  assert(held != nullptr);
  self->let_go(*held);
}

void sim_backend::let_go(flight& held) {
  if (!held.held.empty() && sum_of(held.held) != held.sum)
    world_.complain(machine_, "the bytes of a zero-copy send changed while the kernel had them");
  static_cast<void>(complete(held, {.notification = true, .copied = chance_.chance(500)}));
}

void sim_backend::start_send(flight& begun) noexcept {
  sim::socket& on = *begun.on;
  if (on.writer != nullptr) {
    world_.complain(machine_, "a second send in flight on #" + std::to_string(on.number));
    return complete(begun, -EBUSY);
  }
  on.writer = begun.op;
  run_send(on);
}

std::int32_t sim_backend::send_fault(sim::socket& on) noexcept {
  if (!world_.strikes(fault::send_error, on)) return 0;
  const std::size_t drawn = on.chance.below(sim::send_errors.size());
  const int error = sim::send_errors[drawn];
  if (drawn < sim::send_deadly) {
    world_.sever(on, error);
    on.error = 0;
  }
  return -error;
}

void sim_backend::run_send(sim::socket& on) noexcept {
  flight& going = flight_of(*on.writer);
  const auto& send = static_cast<const send_operation&>(*going.op);
  if (going.all_is_sent) return;
  const int chosen = chosen_failure(going, on);
  std::int32_t status = chosen != 0 ? -chosen : send_fault(on);
  if (chosen != 0) return fail_send(going, status);
  while (status == 0 && going.done < send.size) {
    byte_view piece = rest_of(send, going.done);
    const bool cut = piece.size() > 1 && world_.strikes(fault::short_write, on);
    if (cut) piece = piece.first(on.chance.between(1, piece.size() - 1));
    const std::int64_t sent = world_.send(on, piece);
    if (sent < 0) {
      status = static_cast<std::int32_t>(sent);
      break;
    }
    going.done += static_cast<std::uint32_t>(sent);
    world_.note(event::sent, on, sent, static_cast<std::int64_t>(send.size));
    if (!cut || going.done == send.size) continue;
    if (send.silent) status = -EAGAIN;
    if (!send.silent) return due_write(on, std::chrono::microseconds(on.chance.below(500)));
  }
  finish_send(going, status);
}

/// With an error that was chosen, which may be one that the kernel waits over.
void sim_backend::fail_send(flight& ended, std::int32_t status) noexcept {
  const auto done = static_cast<std::int32_t>(ended.done);
  complete(ended, done > 0 ? done : status);
}

/// `status`: 0, or why it got no further.
void sim_backend::finish_send(flight& ended, std::int32_t status) noexcept {
  const auto& send = static_cast<const send_operation&>(*ended.op);
  if (status == -EAGAIN && !send.silent) return;  // waits for room
  if (status == 0 && send.silent) {
    ended.all_is_sent = true;
    silent_.push_back(ended.op);
    return;
  }
  const auto done = static_cast<std::int32_t>(ended.done);
  complete(ended, status == 0 || done > 0 ? done : status);
}

}  // namespace myra::io
