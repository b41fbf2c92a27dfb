// Connecting: connect(2), and what becomes of it.
#include <cerrno>

#include "myra/io/sim/errors.hpp"
#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {

using sim::fault;

void sim_backend::start_connect(flight& begun) noexcept {
  sim::socket& on = *begun.on;
  const auto& connect = static_cast<const connect_operation&>(*begun.op);
  if (on.writer != nullptr) {
    world_.complain(machine_, "a connect beside a send on #" + std::to_string(on.number));
    return complete(begun, -EBUSY);
  }
  const int chosen = chosen_failure(begun, on);
  if (chosen != 0 || world_.strikes(fault::connect_error, on)) {
    const int error =
        chosen != 0 ? chosen : sim::connect_errors[on.chance.below(sim::connect_errors.size())];
    on.phase = sim::phase::over;
    return complete(begun, -error);
  }
  const int status = world_.connect(on, sim::address(connect.address, connect.address_size));
  if (status != -EINPROGRESS) return complete(begun, status);
  on.writer = begun.op;
}

void sim_backend::run_connect(sim::socket& on) noexcept {
  if (on.phase == sim::phase::connecting) return;
  const int status = on.error != 0 ? sim::simulation::take_error(on) : 0;
  complete(flight_of(*on.writer), status);
}

}  // namespace myra::io
