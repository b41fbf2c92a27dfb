// What the serving verbs have in common: reactors on threads, the ready line, the drain, the
// counters.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "json.hpp"
#include "myra/config/options.hpp"
#include "myra/transport/listener.hpp"

namespace myra::tool {

/// Makes the handler that all connections of one reactor share. Called, and what it made used and
/// destroyed, on the reactor's thread; the handler outlives the reactor.
using handler_maker = std::function<std::unique_ptr<connection_handler>(reactor& on)>;

struct serve_options {
  const char* program = "myra";  ///< For messages; a string literal.
  bool stats = false;            ///< One JSON line of counters on standard error at the end.
};

/// Opens a group of reactors that share the listener, prints `listening on HOST:PORT (BACKEND)`
/// when all are ready, serves until SIGINT or SIGTERM, then drains. Returns the exit status: 0; 1
/// when connections were cut at the drain's deadline or a backend failed; 2 when an address or a
/// backend could not be had, with a line that says what to do.
int serve(const config::options& options, const serve_options& how,
          const handler_maker& make_handler);

}  // namespace myra::tool
