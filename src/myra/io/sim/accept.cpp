// Accepting: connections out of a simulated backlog.
#include <cerrno>

#include "myra/io/sim/errors.hpp"
#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {

using sim::event;
using sim::fault;

void sim_backend::start_accept(flight& begun) noexcept {
  sim::socket& on = *begun.on;
  if (on.phase != sim::phase::listening) return complete(begun, -EINVAL);
  if (on.reader != nullptr) {
    world_.complain(machine_, "a second accept on #" + std::to_string(on.number));
    return complete(begun, -EBUSY);
  }
  on.reader = begun.op;
  auto& accept = static_cast<accept_operation&>(*begun.op);
  accept.brings_direct = wishes_.features.direct_descriptors && on.chance.chance(700);
  if (!on.backlog.empty()) due_read(on, duration::zero());
}

void sim_backend::run_accept(sim::socket& on) noexcept {
  while (on.reader != nullptr && !on.backlog.empty())
    if (!accept_once(flight_of(*on.reader), on)) return;
}

/// Whether the operation is still armed.
bool sim_backend::accept_once(flight& armed, sim::socket& on) noexcept {
  if (const int error = chosen_failure(armed, on); error != 0) {
    complete(armed, -error);
    return false;
  }
  if (world_.strikes(fault::accept_error, on)) {
    const int error = sim::accept_errors[on.chance.below(sim::accept_errors.size())];
    // What has gone wrong with a connection takes it along; a shortage leaves it in the backlog.
    const bool shortage = error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
    if (!shortage) world_.close(*world_.accept(on));
    complete(armed, -error);
    return false;
  }
  const auto& accept = static_cast<const accept_operation&>(*armed.op);
  sim::socket& first = *on.backlog.front();
  const int descriptor =
      accept.brings_direct ? machine_.install_direct(first) : machine_.install(first);
  if (descriptor < 0) {
    complete(armed, descriptor);
    return false;
  }
  sim::socket& taken = *world_.accept(on);
  world_.note(event::accepted, taken, static_cast<std::int64_t>(taken.descriptor.number_or_slot()));
  const bool stays = accept.multishot && !world_.strikes(fault::multishot_end, on);
  return complete(armed, {.result = descriptor, .more = stays});
}

}  // namespace myra::io
