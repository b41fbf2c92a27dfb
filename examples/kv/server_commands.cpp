// Commands on the connection and the server. Replies and errors are those of Redis 7;
// https://redis.io/commands
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "command.hpp"
#include "resp_reply.hpp"

namespace kv {
namespace {

// Of the server whose replies these are; client libraries choose by it.
constexpr std::string_view redis_version = "7.0.15";

void ping(call& now) {
  if (now.count() > 2) return reply_wrong_count(now, "ping");
  if (now.count() == 1) return now.reply.append("+PONG\r\n");
  write_bulk(now.reply, now[1]);
}

void echo(call& now) { write_bulk(now.reply, now[1]); }

void select(call& now) {
  const std::optional<std::int64_t> index = integer_argument(now, 1);
  if (!index) return;
  if (*index != 0) return reply_error(now, "ERR DB index is out of range");
  reply_ok(now);
}

void quit(call& now) {
  now.from.quits = true;
  reply_ok(now);
}

// Only version 2 of the protocol is spoken; who asks for 3 is told so and goes on with 2.
void hello(call& now) {
  if (now.count() > 1) {
    const std::optional<std::int64_t> version = to_integer(now[1]);
    if (!version) return reply_error(now, "ERR Protocol version is not an integer or out of range");
    if (*version != 2) return reply_error(now, "NOPROTO unsupported protocol version");
  }
  if (now.count() > 2) {
    return reply_error(now, "ERR Syntax error in HELLO option '" + std::string(now[2]) + "'");
  }
  write_array(now.reply, 14);
  for (const std::string_view text : {std::string_view("server"), std::string_view("redis"),
                                      std::string_view("version"), redis_version}) {
    write_bulk(now.reply, text);
  }
  write_bulk(now.reply, "proto");
  write_integer(now.reply, 2);
  write_bulk(now.reply, "id");
  write_integer(now.reply, static_cast<std::int64_t>(now.from.id));
  for (const std::string_view text : {"mode", "standalone", "role", "master", "modules"}) {
    write_bulk(now.reply, text);
  }
  write_array(now.reply, 0);
}

void client_id(call& now) { write_integer(now.reply, static_cast<std::int64_t>(now.from.id)); }

void client_getname(call& now) {
  if (now.from.name.empty()) return write_nil(now.reply);
  write_bulk(now.reply, now.from.name);
}

void client_setname(call& now) {
  const auto visible = [](char letter) { return letter >= '!' && letter <= '~'; };
  if (!std::ranges::all_of(now[2], visible) || now[2].size() > now.on.bounds.key_size_max_bytes) {
    return reply_error(now,
                       "ERR Client names cannot contain spaces, newlines or special characters.");
  }
  now.from.name = now[2];
  reply_ok(now);
}

std::string seconds_since(myra::time_point then, myra::time_point now) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(now - then).count());
}

void client_list(call& now) {
  std::string text;
  for (const auto& [id, listed] : now.on.clients) {
    text += "id=" + std::to_string(id) + " addr=" + listed->address + " name=" + listed->name +
            " age=" + seconds_since(listed->opened, now.on.data.now()) + " db=0 resp=2\n";
  }
  write_bulk(now.reply, text);
}

// Pairs of name and value: what client programs ask for.
void config_get(call& now) {
  const std::array<std::pair<const char*, std::string>, 4> known{{
      {"appendonly", "no"},
      {"maxclients", std::to_string(now.on.bounds.clients_max)},
      {"proto-max-bulk-len", std::to_string(now.on.bounds.value_size_max_bytes)},
      {"save", ""},
  }};
  std::string pairs;
  std::size_t count = 0;
  for (const auto& setting : known) {
    const auto matches = [&setting](std::string_view pattern) {
      return ::fnmatch(std::string(pattern).c_str(), setting.first, FNM_CASEFOLD) == 0;
    };
    if (std::ranges::none_of(now.arguments.subspan(2), matches)) continue;
    write_bulk(pairs, setting.first);
    write_bulk(pairs, setting.second);
    count += 2;
  }
  write_array(now.reply, count);
  now.reply.append(pairs);
}

// Name, arity, flags and where the keys are, as redis-cli and cluster libraries read them.
void describe_commands(call& now) {
  write_array(now.reply, key_commands().size() + server_commands().size());
  for (const std::span<const command> table : {key_commands(), server_commands()}) {
    for (const command& known : table) {
      write_array(now.reply, 6);
      write_bulk(now.reply, known.name);
      write_integer(now.reply, known.arity);
      write_array(now.reply, 0);
      for (const int number : {known.keys.first, known.keys.last, known.keys.step}) {
        write_integer(now.reply, number);
      }
    }
  }
}

void command_count(call& now) {
  write_integer(now.reply,
                static_cast<std::int64_t>(key_commands().size() + server_commands().size()));
}

// The texts that redis-cli shows as hints; there are none here.
void command_docs(call& now) { write_array(now.reply, 0); }

void info(call& now) {
  const server& on = now.on;
  const myra::loop_counters counted = on.reactor.counters();
  std::string text;
  bool wanted = true;
  const auto section = [&](std::string_view title, std::string_view small_title) {
    const auto names = [&](std::string_view word) {
      return same_word(word, small_title) || same_word(word, "all") || same_word(word, "default");
    };
    wanted = now.count() == 1 || std::ranges::any_of(now.arguments.subspan(1), names);
    if (wanted) text.append(text.empty() ? "# " : "\r\n# ").append(title).append("\r\n");
  };
  const auto line = [&](std::string_view name, const auto& value) {
    if (!wanted) return;
    text.append(name).append(":");
    if constexpr (std::is_integral_v<std::decay_t<decltype(value)>>) {
      text.append(std::to_string(value));
    } else {
      text.append(value);
    }
    text.append("\r\n");
  };

  section("Server", "server");
  line("redis_version", redis_version);
  line("server_name", "myra-kv");
  line("uptime_in_seconds", seconds_since(on.started, on.data.now()));
  section("Clients", "clients");
  line("connected_clients", on.clients.size());
  line("maxclients", on.bounds.clients_max);
  section("Memory", "memory");
  line("used_memory", on.data.used_bytes());
  section("Stats", "stats");
  line("total_connections_received", on.counted.connections);
  line("rejected_connections", on.counted.refused_connections);
  line("total_commands_processed", on.counted.commands);
  line("total_error_replies", on.counted.error_replies);
  line("expired_keys", on.data.expired_count());
  line("keyspace_hits", on.counted.hits);
  line("keyspace_misses", on.counted.misses);
  line("slow_reader_stalls", on.counted.stalls);
  section("Reactor", "reactor");
  line("backend", myra::io::name_of(on.reactor.backend()));
  line("backend_reason", on.reactor.reason());
  line("kernel_entries", counted.kernel_entries);
  line("completions", counted.backend.completions);
  line("messages_received", counted.messages_received);
  line("bytes_received", counted.bytes_received);
  line("bytes_sent", counted.bytes_sent);
  line("bytes_copied", counted.bytes_copied);
  line("buffer_waits", counted.buffer_waits);
  line("handler_exceptions", counted.handler_exceptions);
  line("loop_stalls", counted.stalls);
  section("Keyspace", "keyspace");
  if (on.data.size() != 0) {
    line("db0", "keys=" + std::to_string(on.data.size()) +
                    ",expires=" + std::to_string(on.data.ending_count()) + ",avg_ttl=0");
  }
  write_bulk(now.reply, text);
}

constexpr std::array client_subcommands{
    command{"client|getname", 2, client_getname},
    command{"client|id", 2, client_id},
    command{"client|list", 2, client_list},
    command{"client|setinfo", 4, reply_ok},  // client libraries say what they are
    command{"client|setname", 3, client_setname},
};
constexpr std::array config_subcommands{command{"config|get", -3, config_get}};
constexpr std::array command_subcommands{
    command{"command|count", 2, command_count},
    command{"command|docs", -2, command_docs},
};
// Without a subcommand CLIENT and CONFIG have too few arguments, so that they are never run.
constexpr std::array table{
    command{"ping", -1, ping},
    command{"echo", 2, echo},
    command{"select", 2, select},
    command{"quit", -1, quit},
    command{"hello", -1, hello},
    command{"info", -1, info},
    command{"client", -2, nullptr, {}, client_subcommands},
    command{"config", -2, nullptr, {}, config_subcommands},
    command{"command", -1, describe_commands, {}, command_subcommands},
};

}  // namespace

std::span<const command> server_commands() noexcept { return table; }

}  // namespace kv
