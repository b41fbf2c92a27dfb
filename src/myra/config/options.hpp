// The options of a Myra program as one value, and the table of its fields from which both outside
// forms come: the file (TOML) and the command line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "myra/config/field.hpp"
#include "myra/reactor/reactor.hpp"
#include "myra/transport/connector.hpp"
#include "myra/transport/listener.hpp"
#include "myra/transport/shared_listener.hpp"

namespace myra::config {

/// Everything that a server, a client or a proxy can be told. Defaults are right; a program may set
/// its own before it reads the outside forms.
struct options {
  /// Reactors, each on a thread of its own.
  std::uint32_t threads = 1;
  /// Of `group_options`.
  std::string cpus;
  bool local_memory = false;
  /// How the reactors share the address that they listen on.
  port_sharing sharing = port_sharing::reuse_port;
  reactor_options reactor;
  listener_options listener;
  /// Whom to connect to, as `endpoint::parse` reads it.
  std::string connect_to;
  connect_options connect;
  shutdown_options shutdown;
  /// Where counters are served, as `endpoint::parse` reads it; empty: nowhere.
  std::string metrics_address;
};

/// Which of the options a program understands, beside those of the reactor. What it does not use it
/// does not offer.
struct offered {
  bool threads = false;   ///< `threads`, `cpus` and `local_memory`; with a listener, `sharing`.
  bool listener = false;  ///< `listener.*`, `connection.*` and `shutdown.*`.
  bool connect = false;   ///< `connect.*` and `connection.*`.
  bool metrics = false;   ///< `metrics.*`.
};

/// The table: one field for each option, bound to `target`, which must outlive it. The fields
/// `connection.*` are those of every connection, accepted (listener.connection) and made
/// (connect.connection).
[[nodiscard]] std::vector<field> fields_of(options& target, const offered& parts);

/// Names the first pair of options that does not go together, what was found and what is allowed;
/// empty when all is right.
[[nodiscard]] std::string check(const options& options, const offered& parts);

}  // namespace myra::config
