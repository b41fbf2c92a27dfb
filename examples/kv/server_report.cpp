#include "server_report.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "command.hpp"

namespace kv {
namespace {

// Text of the form of INFO.
class report {
 public:
  explicit report(std::span<const std::string_view> wanted) : wanted_(wanted) {}

  // Whether the section is wanted; if so, its lines follow.
  bool begin(std::string_view title) {
    if (!wants(title)) return false;
    if (!text_.empty()) text_.append("\r\n");
    text_.append("# ").append(title).append("\r\n");
    return true;
  }
  void line(std::string_view name, std::string_view value) {
    text_.append(name).append(":").append(value).append("\r\n");
  }
  void line(std::string_view name, std::uint64_t value) { line(name, std::to_string(value)); }

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  [[nodiscard]] bool wants(std::string_view title) const {
    std::string small(title);
    for (char& letter : small) letter = static_cast<char>(letter | 0x20);
    return wanted_.empty() || std::ranges::any_of(wanted_, [&small](std::string_view word) {
             return same_word(word, small) || same_word(word, "all") ||
                    same_word(word, "everything") || same_word(word, "default");
           });
  }

  std::span<const std::string_view> wanted_;
  std::string text_;
};

std::uint64_t seconds_between(myra::time_point from, myra::time_point to) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(
      0, std::chrono::duration_cast<std::chrono::seconds>(to - from).count()));
}

void add_server(report& to, const server& of) {
  if (!to.begin("Server")) return;
  to.line("redis_version", redis_version);
  to.line("server_name", "myra-kv");
  to.line("process_id", static_cast<std::uint64_t>(::getpid()));
  to.line("listening_on", of.address);
  to.line("uptime_in_seconds", seconds_between(of.started, of.now));
}

void add_clients(report& to, const server& of) {
  if (!to.begin("Clients")) return;
  to.line("connected_clients", of.clients.size());
  to.line("maxclients", of.limits.clients_max);
}

void add_memory(report& to, const server& of) {
  if (!to.begin("Memory")) return;
  to.line("used_memory", of.data.used_bytes());
}

void add_statistics(report& to, const server& of) {
  if (!to.begin("Stats")) return;
  to.line("total_connections_received", of.counted.connections);
  to.line("rejected_connections", of.counted.refused_connections);
  to.line("total_commands_processed", of.counted.commands);
  to.line("total_error_replies", of.counted.error_replies);
  to.line("expired_keys", of.data.expired_count());
  to.line("keyspace_hits", of.counted.hits);
  to.line("keyspace_misses", of.counted.misses);
  to.line("slow_reader_stalls", of.counted.stalls);
}

void add_reactor(report& to, const server& of) {
  if (!to.begin("Reactor")) return;
  const myra::loop_counters counted = of.reactor.counters();
  to.line("backend", myra::io::name_of(of.reactor.backend()));
  to.line("backend_reason", of.reactor.reason());
  to.line("kernel_entries", counted.kernel_entries);
  to.line("completions", counted.backend.completions);
  to.line("overflows", counted.backend.overflows);
  to.line("silent_sends", counted.backend.silent_sends);
  to.line("messages_received", counted.messages_received);
  to.line("bytes_received", counted.bytes_received);
  to.line("bytes_sent", counted.bytes_sent);
  to.line("bytes_copied", counted.bytes_copied);
  to.line("buffer_waits", counted.buffer_waits);
  to.line("handler_exceptions", counted.handler_exceptions);
  to.line("loop_stalls", counted.stalls);
}

void add_keyspace(report& to, const server& of) {
  if (!to.begin("Keyspace") || of.data.size() == 0) return;
  to.line("db0", "keys=" + std::to_string(of.data.size()) +
                     ",expires=" + std::to_string(of.data.ending_count()) + ",avg_ttl=0");
}

}  // namespace

std::string describe_server(const server& of, std::span<const std::string_view> sections) {
  report text(sections);
  add_server(text, of);
  add_clients(text, of);
  add_memory(text, of);
  add_statistics(text, of);
  add_reactor(text, of);
  add_keyspace(text, of);
  return std::move(text).take();
}

std::string describe_clients(const server& of) {
  std::string text;
  for (const auto& [id, listed] : of.clients) {
    text.append("id=").append(std::to_string(id));
    text.append(" addr=").append(listed->peer).append(" laddr=").append(listed->local);
    text.append(" name=").append(listed->name);
    text.append(" age=").append(std::to_string(seconds_between(listed->opened, of.now)));
    text.append(" idle=").append(std::to_string(seconds_between(listed->last_active, of.now)));
    text.append(" flags=N db=0 cmd=").append(listed->last_command).append(" resp=2\n");
  }
  return text;
}

}  // namespace kv
