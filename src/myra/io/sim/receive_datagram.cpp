// Receiving datagrams: one into each buffer of the ring, cut where it does not fit.
#include <algorithm>
#include <cerrno>
#include <memory>

#include "myra/io/sim/errors.hpp"
#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {

using sim::event;
using sim::fault;

void sim_backend::start_receive_datagram(flight& begun) noexcept {
  sim::socket& on = *begun.on;
  if (!on.datagrams) return complete(begun, -EOPNOTSUPP);
  if (on.reader != nullptr) {
    world_.complain(machine_, "a second receive on #" + std::to_string(on.number));
    return complete(begun, -EBUSY);
  }
  on.reader = begun.op;
  if (on.has_news()) due_read(on, duration::zero());
}

void sim_backend::run_receive_datagram(sim::socket& on) noexcept {
  while (on.reader != nullptr && on.has_news())
    if (!receive_one_datagram(flight_of(*on.reader), on)) return;
}

/// Whether the operation is still armed.
bool sim_backend::receive_one_datagram(flight& armed, sim::socket& on) noexcept {
  if (const int chosen = chosen_failure(armed, on); chosen != 0) {
    complete(armed, -chosen);
    return false;
  }
  if (on.error != 0) {
    complete(armed, sim::simulation::take_error(on));
    return false;
  }
  if (ring_.empty() || world_.strikes(fault::no_buffer, on)) {
    ++counters_.no_buffer;
    complete(armed, -ENOBUFS);
    return false;
  }
  slot* into = ring_.back();
  ring_.pop_back();
  auto came = std::make_shared<const sim::letter>(sim::simulation::receive_datagram(on));
  const std::size_t room = pool_.slot_size_bytes() - datagram_headroom_bytes;
  const std::size_t size = std::min(came->bytes.size(), room);
  std::copy_n(came->bytes.begin(), size, into->memory);
  const bool multishot = static_cast<const receive_datagram_operation&>(*armed.op).multishot;
  const bool stays = multishot && !world_.strikes(fault::multishot_end, on);
  world_.note(event::received, on, static_cast<std::int64_t>(size), stays);
  return complete(armed, {.result = static_cast<std::int32_t>(size),
                          .more = stays,
                          .bytes = into,
                          .came = std::move(came)});
}

}  // namespace myra::io
