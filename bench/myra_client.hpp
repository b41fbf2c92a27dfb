// The client of the benchmark on Myra itself, for what a client costs.
#pragma once

#include "load_result.hpp"
#include "myra/transport.hpp"

namespace myra::bench {

struct client_plan {
  endpoint target;
  connect_options connect;
  load_request load;  // its address is not used
};

/// Opens `plan.load.connections` connections, each with the handler that `handler_of` returns for
/// its number, and turns until all are there. Ends the program when one cannot be made.
void open_connections(reactor& on, const client_plan& plan, std::uint32_t count,
                      const std::function<connection_handler&(std::uint32_t)>& handler_of,
                      std::vector<connection>& opened);

/// As `run_closed_loop`.
load_result run_echo_on_myra(reactor& on, const client_plan& plan, const server_probe& probe);

/// As `run_bulk`, out of the reactor's own buffers, whose slots hold a whole write.
load_result run_bulk_on_myra(reactor& on, const client_plan& plan, const server_probe& probe);

}  // namespace myra::bench
