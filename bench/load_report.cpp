// What the generators of this folder have in common: connecting, measuring, and the report.

#include "bulk_content.hpp"
#include "load_result.hpp"
#include "sockets.hpp"

#include <set>
#include <thread>

namespace myra::bench {

int connect_to(const sockaddr_in& server, std::uint32_t number) {
  constexpr std::uint32_t connections_per_source = 16384;
  const int connected = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connected < 0) fail_system("socket", errno);
  set_option(connected, IPPROTO_TCP, TCP_NODELAY, 1);
  // The plainest congestion control costs this side 2 % less than BBR. It is always there.
  constexpr std::string_view plain = "reno";
  ::setsockopt(connected, IPPROTO_TCP, TCP_CONGESTION, plain.data(), plain.size());
  if (number >= connections_per_source) {
    set_option(connected, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    sockaddr_in source{};
    source.sin_family = AF_INET;
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + number / connections_per_source);
    if (::bind(connected, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
      fail_system("bind", errno);
    }
  }
  if (::connect(connected, reinterpret_cast<const sockaddr*>(&server), sizeof server) != 0) {
    fail_system("connect", errno);
  }
  return connected;
}

namespace {

std::uint64_t own_cpu_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(time.tv_nsec);
}

double user_part(const cpu_split& before, const cpu_split& after) {
  const auto user = static_cast<double>(after.user - before.user);
  const auto system = static_cast<double>(after.system - before.system);
  return user + system > 0 ? user / (user + system) : 0;
}

}  // namespace

void print_report(const load_result& result) {
  const double messages = static_cast<double>(result.messages);
  const auto per_message = [messages](std::uint64_t total) {
    return messages > 0 ? static_cast<double>(total) / messages : 0.0;
  };
  std::printf("{\"messages\": %llu, \"seconds\": %.6f, \"messages_per_second\": %.1f",
              static_cast<unsigned long long>(result.messages), result.seconds,
              messages / result.seconds);
  std::printf(", \"p50_us\": %.3f, \"p90_us\": %.3f, \"p99_us\": %.3f, \"p999_us\": %.3f",
              result.latency.quantile_us(0.5), result.latency.quantile_us(0.9),
              result.latency.quantile_us(0.99), result.latency.quantile_us(0.999));
  std::printf(", \"p9999_us\": %.3f, \"server_user_part\": %.4f",
              result.latency.quantile_us(0.9999), result.server_user_part);
  std::printf(", \"own_cpu_ns_per_message\": %.2f, \"server_cpu_ns_per_message\": %.2f",
              per_message(result.own_cpu_ns), per_message(result.server_cpu_ns));
  std::printf(", \"server_entries_in_all\": %llu, \"server_entries_per_message\": %.5f",
              static_cast<unsigned long long>(result.server_entries_in_all),
              per_message(result.server_entries));
  std::printf(", \"server_counted\": %llu}\n",
              static_cast<unsigned long long>(result.server_counted));
}

void demand(const bulk_verdict& verdict, std::uint64_t sent) {
  if (verdict.byte_count == sent && verdict.first_wrong == bulk_verdict::all_right) return;
  std::fprintf(stderr, "sent %llu bytes, received %llu, wrong content from byte %lld on\n",
               static_cast<unsigned long long>(sent),
               static_cast<unsigned long long>(verdict.byte_count),
               static_cast<long long>(verdict.first_wrong));
  std::exit(1);
}

load_request request_of(const command_line& options) {
  load_request request;
  request.server = parse_address(options.text("connect", ""));
  request.connections = options.number("connections", 1);
  request.active = options.number("active", 0);
  request.depth = options.number("depth", 1);
  request.rate = options.number("rate", 0);
  request.message_size = options.number("size", 64);
  request.duration = std::chrono::milliseconds(options.number("milliseconds", 2000));
  request.warm_up = std::chrono::milliseconds(options.number("warm-up", 300));
  request.message_count = options.number("messages", 0);
  request.batch = options.number("batch", 0);
  if (request.connections == 0 || request.depth == 0 || request.message_size == 0) {
    fail_usage("--connections, --depth and --size must be at least 1");
  }
  if (request.active > request.connections) {
    fail_usage("--active: no more connections can be active than there are");
  }
  return request;
}

server_probe probe_of(const command_line& options) {
  const std::string counter_file = options.text("counter-file", "");
  return {static_cast<pid_t>(options.number("server-pid", 0)), options.has("count-entries"),
          counter_file};
}

void allow_only(const command_line& options, std::initializer_list<const char*> heeded,
                const std::string& what) {
  std::set<std::string_view> known{"connect", "mode",       "size",        "milliseconds",
                                   "warm-up", "server-pid", "counter-file"};
  known.insert(heeded.begin(), heeded.end());
  for (const char* name : load_option_names) {
    if (options.has(name) && !known.contains(name)) {
      fail_usage(std::string("--") + name + " is not for " + what);
    }
  }
}

phase_meter::phase_meter(const server_probe& probe) : probe_(probe) {
  // The server's own account is exact only once it has gone to sleep.
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  server_cpu_ = probe.cpu_ns();
  server_split_ = probe.split();
  server_entries_ = probe.entries();
  server_counted_ = probe.counted();
  own_cpu_ = own_cpu_ns();
  begin_ = clock::now();
}

void phase_meter::finish(load_result& result) const {
  result.seconds = std::chrono::duration<double>(clock::now() - begin_).count();
  result.own_cpu_ns = own_cpu_ns() - own_cpu_;
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  result.server_entries_in_all = probe_.entries();
  result.server_entries = result.server_entries_in_all - server_entries_;
  result.server_counted = probe_.counted() - server_counted_;
  result.server_cpu_ns = probe_.cpu_ns() - server_cpu_;
  result.server_user_part = user_part(server_split_, probe_.split());
}

}  // namespace myra::bench
