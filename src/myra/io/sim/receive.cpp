// Receiving: bytes out of a simulated connection into a buffer of the ring.
#include <algorithm>
#include <cerrno>

#include "myra/io/sim/errors.hpp"
#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {

using sim::event;
using sim::fault;

void sim_backend::start_receive(flight& begun) noexcept {
  sim::socket& on = *begun.on;
  if (on.reader != nullptr) {
    world_.complain(machine_, "a second receive on #" + std::to_string(on.number));
    return complete(begun, -EBUSY);
  }
  if (on.phase == sim::phase::fresh || on.phase == sim::phase::listening)
    return complete(begun, -ENOTCONN);
  on.reader = begun.op;
  if (on.has_news()) due_read(on, duration::zero());
}

void sim_backend::run_receive(sim::socket& on) noexcept {
  while (on.reader != nullptr && on.has_news())
    if (!receive_once(flight_of(*on.reader), on)) return;
}

/// An error that the network brings; 0: none. One that ends the connection does so for both ends.
std::int32_t sim_backend::receive_fault(sim::socket& on) noexcept {
  if (!world_.strikes(fault::receive_error, on)) return 0;
  const std::size_t drawn = on.chance.below(sim::receive_errors.size());
  const int error = sim::receive_errors[drawn];
  if (drawn < sim::receive_deadly) {
    world_.sever(on, error);
    on.error = 0;
  }
  return -error;
}

/// Whether the operation is still armed and the socket not drained.
bool sim_backend::receive_once(flight& armed, sim::socket& on) noexcept {
  const int chosen = chosen_failure(armed, on);
  if (const std::int32_t error = chosen != 0 ? -chosen : receive_fault(on); error != 0) {
    complete(armed, error);
    return false;
  }
  if (on.incoming.arrived() == 0 || on.read_shut) {
    std::byte none{};
    complete(armed, static_cast<std::int32_t>(world_.receive(on, &none, 0)));
    return false;
  }
  if (ring_.empty() || world_.strikes(fault::no_buffer, on)) {
    ++counters_.no_buffer;
    complete(armed, -ENOBUFS);
    return false;
  }
  slot* into = ring_.back();
  ring_.pop_back();
  const auto& receive = static_cast<const receive_operation&>(*armed.op);
  std::size_t size = std::min<std::size_t>(pool_.slot_size_bytes(), on.incoming.arrived());
  if (receive.turn_bytes_max != 0)
    size = std::min<std::size_t>(size, receive.turn_bytes_max - armed.received);
  if (size > 1 && world_.strikes(fault::short_read, on)) size = on.chance.between(1, size - 1);
  size = static_cast<std::size_t>(world_.receive(on, into->memory, size));
  armed.received += static_cast<std::uint32_t>(size);
  const bool limit_reached = receive.multishot && armed.received == receive.turn_bytes_max;
  const bool stays =
      receive.multishot && !limit_reached && !world_.strikes(fault::multishot_end, on);
  const bool hint = on.has_news() != world_.strikes(fault::wrong_hint, on);
  world_.note(event::received, on, static_cast<std::int64_t>(size), stays);
  return complete(armed, {.result = static_cast<std::int32_t>(size),
                          .more = stays,
                          .more_to_read = hint,
                          .bytes = into});
}

}  // namespace myra::io
