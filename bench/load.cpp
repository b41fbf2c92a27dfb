// A neutral load generator: one thread, every byte that comes back is checked.
//
//   myra-load --connect 127.0.0.1:7000 --connections 50 --depth 16 --size 64 --milliseconds 2000
//   myra-load --connect 127.0.0.1:7000 --connections 9000 --active 90
//   myra-load --connect 127.0.0.1:7000 --connections 50 --engine epoll
//   myra-load --connect 127.0.0.1:7000 --mode open --connections 50 --rate 50000
//   myra-load --connect 127.0.0.1:7000 --mode ping-pong --wait spin
//   myra-load --connect 127.0.0.1:7000 --mode churn --connections 16
//   myra-load --connect 127.0.0.1:7000 --mode bulk --size 65536
//   myra-load --connect 127.0.0.1:7000 --mode datagrams --depth 32
//   myra-load --connect 127.0.0.1:7000 --mode idle --connections 9000
//
// With --server-pid the report has the server's CPU time between the two moments, before and after
// the measured phase, at which no message was under way; with --count-entries its kernel entries;
// with --counter-file the difference of a number that the server keeps in a file.

#include "load_result.hpp"
#include "sockets.hpp"

namespace myra::bench {
namespace {

/// What a mode does not heed is refused: its figures would be taken for those of something else.
void check(const command_line& options, const std::string& mode) {
  const auto heeds = [&](std::initializer_list<const char*> names) {
    allow_only(options, names, "--mode " + mode);
  };
  if (mode == "closed")
    return heeds({"engine", "connections", "active", "depth", "messages", "batch"});
  if (mode == "open") return heeds({"connections", "rate"});
  if (mode == "ping-pong") return heeds({"wait", "messages"});
  if (mode == "churn") return heeds({"connections", "messages"});
  if (mode == "bulk") return heeds({});
  if (mode == "datagrams") return heeds({"depth", "messages"});
  if (mode == "idle") return heeds({"connections"});
  fail_usage("--mode: '" + mode +
             "'; allowed: closed, open, ping-pong, churn, bulk, datagrams, idle");
}

load_result run(const command_line& options, const std::string& mode, const load_request& request,
                const server_probe& probe) {
  if (mode == "ping-pong") {
    return run_ping_pong(request, probe, options.is_second("wait", "block", "spin"));
  }
  if (mode == "churn") return run_churn(request, probe);
  if (mode == "bulk") return run_bulk(request, probe);
  if (mode == "datagrams") return run_datagrams(request, probe);
  if (mode == "open") {
    if (request.rate == 0) fail_usage("--mode open needs --rate, the messages a second");
    return run_open_loop(request, probe);
  }
  if (options.is_second("engine", "uring", "epoll")) {
    allow_only(options, {"engine", "connections", "depth"}, "--engine epoll");
    return run_closed_loop_on_epoll(request, probe);
  }
  return run_closed_loop(request, probe);
}

}  // namespace
}  // namespace myra::bench

int main(int argc, char** argv) {
  using namespace myra::bench;
  const command_line options(argc, argv, load_option_names, {"count-entries"});
  const load_request request = request_of(options);
  raise_descriptor_limit();
  const std::string mode = options.text("mode", "closed");
  check(options, mode);
  if (mode == "idle") {
    hold_idle_connections(request);
    return 0;
  }
  const server_probe probe = probe_of(options);
  print_report(run(options, mode, request, probe));
}
