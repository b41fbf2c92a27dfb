// Commands on the connection and the server: PING, ECHO, HELLO, SELECT, QUIT, CLIENT, CONFIG,
// COMMAND, INFO. Replies and errors are those of Redis 7; https://redis.io/commands
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "command.hpp"
#include "resp_reply.hpp"
#include "server_report.hpp"

namespace kv {
namespace {

void ping(call& now) {
  if (now.count() > 2) return reply_wrong_count(now, "ping");
  if (now.count() == 1) return now.on.replies.append("+PONG\r\n");
  write_bulk(now.on.replies, now[1]);
}

void echo(call& now) { write_bulk(now.on.replies, now[1]); }

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

// False, with the error replied, when it is no name.
bool set_name(call& now, std::string_view name) {
  const bool printable =
      std::ranges::all_of(name, [](char letter) { return letter >= '!' && letter <= '~'; });
  if (!printable || name.size() > now.on.limits.key_size_max_bytes) {
    reply_error(now, "ERR Client names cannot contain spaces, newlines or special characters.");
    return false;
  }
  now.from.name = name;
  return true;
}

// Only protocol 2 is spoken; who asks for 3 is told so and goes on with 2.
void hello(call& now) {
  if (now.count() > 1) {
    const std::optional<std::int64_t> version = to_integer(now[1]);
    if (!version) return reply_error(now, "ERR Protocol version is not an integer or out of range");
    if (*version != 2) return reply_error(now, "NOPROTO unsupported protocol version");
  }
  for (std::size_t at = 2; at < now.count(); at += 2) {
    const bool naming = same_word(now[at], "setname") && at + 1 < now.count();
    if (!naming) {
      return reply_error(now, "ERR Syntax error in HELLO option '" + std::string(now[at]) + "'");
    }
    if (!set_name(now, now[at + 1])) return;
  }
  reply_buffer& reply = now.on.replies;
  write_array(reply, 14);
  for (const auto& [field, text] :
       {std::pair<std::string_view, std::string_view>{"server", "redis"},
        {"version", redis_version}}) {
    write_bulk(reply, field);
    write_bulk(reply, text);
  }
  write_bulk(reply, "proto");
  write_integer(reply, 2);
  write_bulk(reply, "id");
  write_integer(reply, static_cast<std::int64_t>(now.from.id));
  for (const std::string_view text : {"mode", "standalone", "role", "master", "modules"}) {
    write_bulk(reply, text);
  }
  write_array(reply, 0);
}

void client_id(call& now) { write_integer(now.on.replies, static_cast<std::int64_t>(now.from.id)); }

void client_getname(call& now) {
  if (now.from.name.empty()) return write_nil(now.on.replies);
  write_bulk(now.on.replies, now.from.name);
}

void client_setname(call& now) {
  if (set_name(now, now[2])) reply_ok(now);
}

// Client libraries say here what they are.
void client_setinfo(call& now) { reply_ok(now); }

void client_list(call& now) {
  if (now.count() > 2) return reply_syntax_error(now);
  write_bulk(now.on.replies, describe_clients(now.on));
}

// Pairs of name and value: what client programs ask for, and our limits.
void config_get(call& now) {
  const limits& bounds = now.on.limits;
  const std::array<std::pair<std::string, std::string>, 7> known{{
      {"appendonly", "no"},
      {"databases", "1"},
      {"maxclients", std::to_string(bounds.clients_max)},
      {"maxmemory", "0"},
      {"proto-max-bulk-len", std::to_string(bounds.value_size_max_bytes)},
      {"save", ""},
      {"timeout", "0"},
  }};
  const auto wanted = [&now](const std::string& name) {
    return std::ranges::any_of(now.arguments.subspan(2), [&name](std::string_view pattern) {
      return ::fnmatch(std::string(pattern).c_str(), name.c_str(), FNM_CASEFOLD) == 0;
    });
  };
  std::string pairs;
  std::size_t count = 0;
  for (const auto& [name, value] : known) {
    if (!wanted(name)) continue;
    write_bulk(pairs, name);
    write_bulk(pairs, value);
    count += 2;
  }
  write_array(now.on.replies, count);
  now.on.replies.append(pairs);
}

std::size_t command_count() noexcept { return key_commands().size() + server_commands().size(); }

// What Redis tells of a command; who may run it, hints and subcommands are left empty.
void write_description(reply_buffer& reply, const command& described) {
  write_array(reply, 10);
  write_bulk(reply, described.name);
  write_integer(reply, described.arity);
  write_array(reply, described.first_key == 0 ? 0 : 1);
  if (described.first_key != 0) write_simple(reply, described.writes ? "write" : "readonly");
  write_integer(reply, described.first_key);
  write_integer(reply, described.last_key);
  write_integer(reply, described.key_step);
  for (int empty = 0; empty < 4; ++empty) write_array(reply, 0);
}

void for_each_command(auto visit) {
  for (const std::span<const command> table : {key_commands(), server_commands()}) {
    for (const command& known : table) visit(known);
  }
}

void describe_commands(call& now) {
  write_array(now.on.replies, command_count());
  for_each_command([&now](const command& known) { write_description(now.on.replies, known); });
}

void command_info(call& now) {
  if (now.count() == 2) return describe_commands(now);
  write_array(now.on.replies, now.count() - 2);
  for (const std::string_view name : now.arguments.subspan(2)) {
    const command* known = find_command(name);
    if (known == nullptr) {
      now.on.replies.append("*-1\r\n");
    } else {
      write_description(now.on.replies, *known);
    }
  }
}

void command_list(call& now) {
  write_array(now.on.replies, command_count());
  for_each_command([&now](const command& known) { write_bulk(now.on.replies, known.name); });
}

void reply_command_count(call& now) {
  write_integer(now.on.replies, static_cast<std::int64_t>(command_count()));
}

// The texts that redis-cli shows as hints; there are none here.
void command_docs(call& now) { write_array(now.on.replies, 0); }

void info(call& now) {
  write_bulk(now.on.replies, describe_server(now.on, now.arguments.subspan(1)));
}

constexpr std::array client_subcommands{
    command{"client|getname", 2, client_getname}, command{"client|id", 2, client_id},
    command{"client|list", -2, client_list},      command{"client|setinfo", 4, client_setinfo},
    command{"client|setname", 3, client_setname},
};

constexpr std::array config_subcommands{command{"config|get", -3, config_get}};

constexpr std::array command_subcommands{
    command{"command|count", 2, reply_command_count},
    command{"command|docs", -2, command_docs},
    command{"command|info", -2, command_info},
    command{"command|list", 2, command_list},
};

// CLIENT and CONFIG need a subcommand, so that they themselves are never run.
constexpr std::array table{
    command{"ping", -1, ping},
    command{"echo", 2, echo},
    command{"select", 2, select},
    command{"quit", -1, quit},
    command{"hello", -1, hello},
    command{"info", -1, info},
    command{"client", -2, nullptr, 0, 0, 0, false, client_subcommands},
    command{"config", -2, nullptr, 0, 0, 0, false, config_subcommands},
    command{"command", -1, describe_commands, 0, 0, 0, false, command_subcommands},
};

}  // namespace

std::span<const command> server_commands() noexcept { return table; }

}  // namespace kv
