// What all clients of the server share.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "myra/core/clock.hpp"
#include "myra/reactor/reactor.hpp"
#include "replies.hpp"
#include "store.hpp"

namespace kv {

/// What a client may ask of the server's memory.
struct limits {
  std::uint32_t key_size_max_bytes = 64 * 1024;
  std::uint32_t value_size_max_bytes = 8 * 1024 * 1024;
  std::uint32_t arguments_max = 65'536;
  /// Replies queued for a client that does not read them; then its commands wait.
  std::uint32_t pending_size_max_bytes = 128 * 1024;
  std::uint32_t clients_max = 10'000;
};

/// One client, as commands see it.
struct client {
  std::uint64_t id = 0;
  std::string address;
  std::string name;
  std::string_view last_command;  // its name in the table of commands
  myra::time_point opened;
  bool quits = false;  // no command after this one; close when the replies are out
};

struct statistics {
  std::uint64_t connections = 0;
  std::uint64_t refused_connections = 0;
  std::uint64_t commands = 0;
  std::uint64_t error_replies = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t stalls = 0;  // times that a client's commands waited for it to read
};

/// The reactor's thread is the only one to touch it.
struct server {
  server(myra::reactor runs_on, const limits& wanted)
      : bounds(wanted), started(runs_on.now()), reactor(std::move(runs_on)) {}

  limits bounds;
  myra::time_point started;
  store data;
  reply_batch batch;
  std::map<std::uint64_t, const client*> clients;
  std::uint64_t last_client_id = 0;
  statistics counted;
  // Last, so that it goes first: with it go the sessions, which use all of the above.
  myra::reactor reactor;
};

}  // namespace kv
