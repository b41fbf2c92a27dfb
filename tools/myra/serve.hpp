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

/// What one reactor serves. Made, used and destroyed on the reactor's thread; outlives the reactor.
class service {
 public:
  virtual ~service() = default;
  virtual void serve(reactor& on, listener& from) = 0;
  /// Ends what is served, within `deadline`. True: nothing was cut.
  virtual bool drain(reactor& on, listener& from, duration deadline);
};

struct serve_options {
  const char* program = "myra";  ///< For messages; a string literal.
  bool stats = false;            ///< One JSON line of counters on standard error at the end.
};

/// Opens a reactor and a listener a thread, prints `listening on HOST:PORT (BACKEND)` when all are
/// ready, serves until SIGINT or SIGTERM, then drains. Returns the exit status: 0; 1 when
/// connections were cut at the drain's deadline or a backend failed; 2 when an address or a backend
/// could not be had, with a line that says what to do.
int serve(config::options options, const serve_options& how,
          const std::function<std::unique_ptr<service>()>& make_service);

}  // namespace myra::tool
