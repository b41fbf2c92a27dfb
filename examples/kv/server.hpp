// What all clients of the server share.
#pragma once

#include <map>
#include <string>

#include "myra/reactor/reactor.hpp"
#include "resp_parser.hpp"
#include "store.hpp"

namespace kv {

/// What clients may ask of the server's memory.
struct limits {
  std::uint32_t key_size_max_bytes = 64 * 1024;
  std::uint32_t value_size_max_bytes = 8 * 1024 * 1024;
  std::uint32_t clients_max = 10'000;
  /// From the first byte of a request to its last; zero: for ever.
  myra::duration request_timeout = std::chrono::seconds(60);

  /// Of one request, and of one reply: four longest values.
  [[nodiscard]] std::size_t message_size_max_bytes() const { return 4UL * value_size_max_bytes; }
};

/// One client, as commands see it.
struct client {
  std::uint64_t id = 0;
  std::string address = {};
  std::string name = {};
  bool quits = false;  // no command after this one; close when the replies are out
};

struct statistics {
  std::uint64_t connections = 0, commands = 0, error_replies = 0, hits = 0, misses = 0;
  std::uint64_t stalls = 0;  // times that a client's commands waited for it to read
};

/// The reactor's thread is the only one to touch it.
struct server {
  limits bounds;
  store data = {};
  // Where replies are put together: one for all, as one client is served at a time.
  std::string replies = {};
  std::map<std::uint64_t, const client*> clients = {};  // by their id
  statistics counted = {};
  // Declared after this, so that it goes before: with it go the connections, whose coroutines use
  // the rest.
  myra::reactor* reactor = nullptr;
};

/// Runs one command of a client and appends its reply to `on.replies`. When something is wrong with
/// it, that reply is an error and nothing has changed. The arguments are views into the network's
/// buffer.
void execute(server& on, client& from, resp_command arguments);

}  // namespace kv
