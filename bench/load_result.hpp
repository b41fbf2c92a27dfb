// What the load generator is asked for and what it reports.
#pragma once

#include "command_line.hpp"
#include "histogram.hpp"
#include "server_probe.hpp"

#include <netinet/in.h>

#include <chrono>
#include <cstdint>

namespace myra::bench {

using clock = std::chrono::steady_clock;

struct load_request {
  sockaddr_in server{};
  std::uint32_t connections = 1;
  std::uint32_t active = 0;         // of them, that send at all; 0: all
  std::uint32_t depth = 1;          // messages of a connection under way at a time
  std::uint32_t rate = 0;           // messages a second of an open loop
  std::uint32_t message_size = 64;  // bytes
  std::chrono::milliseconds warm_up{300};
  std::chrono::milliseconds duration{2000};
  std::uint64_t message_count = 0;  // when not 0: this many messages, instead of a duration
  std::uint32_t batch = 0;          // completions to wait for; 0: three fifths of the connections
};

/// A phase ends when no message is under way, so that CPU and messages belong together.
struct load_result {
  std::uint64_t messages = 0;
  double seconds = 0;
  std::uint64_t own_cpu_ns = 0;
  std::uint64_t server_cpu_ns = 0;
  double server_user_part = 0;  // of that CPU time, 0 to 1
  std::uint64_t server_entries = 0;
  std::uint64_t server_entries_in_all = 0;  // warm-up included
  std::uint64_t server_counted = 0;         // by the server itself
  histogram latency;
};

/// Closed loop over many connections. Ends the program with exit code 1 on wrong content.
load_result run_closed_loop(const load_request& request, const server_probe& probe);

/// The same load by plain recv and send on epoll, to compare clients.
load_result run_closed_loop_on_epoll(const load_request& request, const server_probe& probe);

/// Messages due at given times over many connections, which spins; latencies count from the time a
/// message was due.
load_result run_open_loop(const load_request& request, const server_probe& probe);

/// Connects, sends one message, checks its echo and resets; `connections` of them abreast. A
/// message is one such connection.
load_result run_churn(const load_request& request, const server_probe& probe);

/// One stream of writes of `message_size` by blocking send, to a server that checks and counts. A
/// message is one write.
load_result run_bulk(const load_request& request, const server_probe& probe);

/// `depth` datagrams at a time, and their echoes.
load_result run_datagrams(const load_request& request, const server_probe& probe);

/// One connection, one message at a time, plain recv and send; `spin` polls instead of sleeping.
load_result run_ping_pong(const load_request& request, const server_probe& probe, bool spin);

/// Opens the connections, sends one message on each and checks its echo, prints one line
/// `holding N connections`, and keeps them until standard input ends.
void hold_idle_connections(const load_request& request);

/// What a load can be told on the command line.
inline constexpr std::initializer_list<const char*> load_option_names = {
    "connect", "mode",     "wait",       "engine", "connections",
    "active",  "depth",    "rate",       "size",   "milliseconds",
    "warm-up", "messages", "server-pid", "batch",  "counter-file"};

/// All end the program with exit code 2 when the command line is wrong.
load_request request_of(const command_line& options);
server_probe probe_of(const command_line& options);
/// Refuses what `what` does not heed: all but `heeded`, and what every load heeds (the address, the
/// size, times and what is reported).
void allow_only(const command_line& options, std::initializer_list<const char*> heeded,
                const std::string& what);

/// Prints the report: one line of JSON.
void print_report(const load_result& result);

/// A connected socket without Nagle's delay. `number` picks the source address, so that more
/// connections than one address has ports can be opened to a server on loopback.
int connect_to(const sockaddr_in& server, std::uint32_t number);

/// Takes the figures at the beginning and the end of a phase.
class phase_meter {
 public:
  explicit phase_meter(const server_probe& probe);
  void finish(load_result& result) const;

 private:
  const server_probe& probe_;
  std::uint64_t server_cpu_;
  cpu_split server_split_;
  std::uint64_t server_entries_;
  std::uint64_t server_counted_;
  std::uint64_t own_cpu_;
  clock::time_point begin_;
};

}  // namespace myra::bench
