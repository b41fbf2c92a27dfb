// Echo servers in each style that the transport has.
#pragma once

#include <memory>
#include <vector>

#include "myra/io/sim/random.hpp"
#include "myra/transport.hpp"

namespace myra::simtest {

enum class server_style { handing_on, copying, pausing, coroutine };

struct server_options {
  server_style style = server_style::handing_on;
  std::uint32_t connections_max = 0;
  connection_options connection = {};
  std::uint64_t seed = 1;
};

/// Opens the listener of an echo server, again and again while the machine is short of something.
[[nodiscard]] listener open_echo(reactor& on, const server_options& options);

/// Watches a listening socket with a multishot poll, and takes nobody in.
class watcher {
 public:
  watcher(reactor& on, std::uint16_t port);
  watcher(const watcher&) = delete;
  watcher& operator=(const watcher&) = delete;
  ~watcher();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace myra::simtest
