// The commands. Replies and errors are those of Redis 7; https://redis.io/commands
#include <fnmatch.h>
#include <malloc.h>

#include <algorithm>

#include "resp_reply.hpp"
#include "server.hpp"

namespace kv {
namespace {

using std::chrono::milliseconds;

// Of the server whose replies these are; client libraries choose by it.
constexpr const char* redis_version = "7.0.15";

struct command;

/// One command under way.
struct call {
  server& on;
  client& from;
  std::string& reply;
  resp_command arguments;
  const command* found = nullptr;

  [[nodiscard]] std::size_t count() const noexcept { return arguments.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t at) const noexcept { return arguments[at]; }
};

struct command {
  std::string_view name, subname;  // in small letters
  int arity;                       // arguments with the name; negative: at least so many
  std::array<int, 3> keys;  // arguments that are keys: first, last (negative: from the end), step
  void (*run)(call& now);
};

/// The table at the end, and how many in it are no subcommands.
extern const std::array<command, 30> table;
constexpr std::size_t command_count = 22;

// --- What commands share ---

/// Whether both are the same but for the case of letters. One of them consists of letters.
bool same_word(std::string_view left, std::string_view right) noexcept {
  constexpr auto small = [](char letter) { return letter | 0x20; };
  return std::ranges::equal(left, right, {}, small, small);
}

void reply_ok(call& now) { write_simple(now.reply, "OK"); }

/// The error that all `words` together say.
void reply_error(call& now, std::initializer_list<std::string_view> words) {
  ++now.on.counted.error_replies;
  write_error(now.reply, words);
}

void reply_wrong_count(call& now) {
  const auto& [name, subname, arity, keys, run] = *now.found;
  const char* bar = subname.empty() ? "" : "|";
  reply_error(now, {"ERR wrong number of arguments for '", name, bar, subname, "' command"});
}

// Error replies repeat only so much of what a client sent.
constexpr std::size_t quoted_size_max = 128;

void reply_unknown_subcommand(call& now, std::string_view of) {
  const std::string_view unknown = now[1].substr(0, quoted_size_max);
  reply_error(now, {"ERR unknown subcommand '", unknown, "'. Try ", of, " HELP."});
}

void reply_too_long(call& now) {
  const std::string size_max = std::to_string(now.on.bounds.message_size_max_bytes());
  reply_error(now, {"ERR reply is longer than ", size_max, " bytes"});
}

/// An argument or value as an integer; when it is none the error has been replied.
std::optional<std::int64_t> integer_or_error(call& now, std::string_view text) {
  const std::optional<std::int64_t> value = parse_integer(text);
  if (!value) reply_error(now, {"ERR value is not an integer or out of range"});
  return value;
}

// --- Keys ---

void reply_value(call& now, std::string_view key) {
  const store::entry* found = now.on.data.find(key);
  ++(found == nullptr ? now.on.counted.misses : now.on.counted.hits);
  found == nullptr ? write_nil(now.reply) : write_bulk(now.reply, found->value);
}

void mget(call& now) {
  const std::size_t begin = now.reply.size();
  write_array(now.reply, now.count() - 1);
  for (const std::string_view key : now.arguments.subspan(1)) {
    reply_value(now, key);
    if (now.reply.size() - begin <= now.on.bounds.message_size_max_bytes()) continue;
    now.reply.resize(begin);
    return reply_too_long(now);
  }
}

/// When argument `at`, an amount of time in units of `scale` milliseconds, is over. Nothing, and
/// the error has been replied, when it is less than `least` units or out of the range of Redis,
/// which counts from 1970.
std::optional<myra::time_point> end_argument(call& now, std::size_t at, std::int64_t scale,
                                             std::int64_t least) {
  const std::optional<std::int64_t> amount = integer_or_error(now, now[at]);
  if (!amount) return std::nullopt;
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch() / milliseconds(1);
  if (*amount < std::max(least, INT64_MIN / scale) || *amount > (INT64_MAX - since_1970) / scale) {
    reply_error(now, {"ERR invalid expire time in '", now.found->name, "' command"});
    return std::nullopt;
  }
  // Our clock counts nanoseconds, for 292 years; what lies beyond the next hundred ends with them.
  constexpr milliseconds century = std::chrono::years(100);
  return now.on.data.now() + std::clamp(milliseconds(*amount * scale), -century, century);
}

void set(call& now) {
  std::optional<bool> must_exist;  // xx, or nx
  std::size_t time_at = 0;
  for (std::size_t at = 3; at < now.count(); ++at) {
    const bool with_time = same_word(now[at], "ex") || same_word(now[at], "px");
    if (with_time && time_at == 0 && at + 1 < now.count())
      time_at = ++at;
    else if (same_word(now[at], "nx") && must_exist != true)
      must_exist = false;
    else if (same_word(now[at], "xx") && must_exist != false)
      must_exist = true;
    else
      return reply_error(now, {"ERR syntax error"});
  }
  std::optional<myra::time_point> end = myra::never;
  if (time_at != 0)
    end = end_argument(now, time_at, same_word(now[time_at - 1], "ex") ? 1000 : 1, 1);
  if (!end) return;
  if (must_exist && now.on.data.contains(now[1]) != *must_exist) return write_nil(now.reply);
  now.on.data.set(now[1], now[2], *end);
  reply_ok(now);
}

void mset(call& now) {
  if (now.count() % 2 == 0) return reply_wrong_count(now);
  for (std::size_t at = 1; at < now.count(); at += 2)
    now.on.data.set(now[at], now[at + 1], myra::never);
  reply_ok(now);
}

/// Replies for how many of the keys `act` says yes.
void count_keys(call& now, bool (store::*act)(std::string_view key)) {
  const auto acts = [&](std::string_view key) { return (now.on.data.*act)(key); };
  write_integer(now.reply, std::ranges::count_if(now.arguments.subspan(1), acts));
}

void add(call& now, std::optional<std::int64_t> amount) {
  if (!amount) return;
  const store::entry* old = now.on.data.find(now[1]);
  const auto value = old == nullptr ? 0 : integer_or_error(now, old->value);
  if (!value) return;
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*value, *amount, &sum))
    return reply_error(now, {"ERR increment or decrement would overflow"});
  now.on.data.set(now[1], std::to_string(sum), old == nullptr ? myra::never : old->end);
  write_integer(now.reply, sum);
}

void expire(call& now) {
  const auto end = end_argument(now, 2, 1000, INT64_MIN);
  if (end) write_integer(now.reply, now.on.data.set_end(now[1], *end) ? 1 : 0);
}

void ttl(call& now) {
  const store::entry* found = now.on.data.find(now[1]);
  if (found == nullptr) return write_integer(now.reply, -2);
  if (found->end == myra::never) return write_integer(now.reply, -1);
  const myra::duration left = found->end - now.on.data.now();
  write_integer(now.reply, std::chrono::round<std::chrono::seconds>(left).count());
}

void type(call& now) { write_simple(now.reply, now.on.data.contains(now[1]) ? "string" : "none"); }

void flushall(call& now) {
  const bool known = now.count() == 1 || same_word(now[1], "sync") || same_word(now[1], "async");
  if (!known || now.count() > 2) return reply_error(now, {"ERR syntax error"});
  now.on.data.clear();
  reply_ok(now);
}

// --- The connection ---

void ping(call& now) {
  if (now.count() > 2) return reply_wrong_count(now);
  now.count() == 1 ? write_simple(now.reply, "PONG") : write_bulk(now.reply, now[1]);
}

void select(call& now) {
  const std::optional<std::int64_t> index = integer_or_error(now, now[1]);
  if (index) *index == 0 ? reply_ok(now) : reply_error(now, {"ERR DB index is out of range"});
}

// Only version 2 of the protocol is spoken; who asks for 3 is told so and goes on with 2.
void hello(call& now) {
  const auto version = now.count() > 1 ? parse_integer(now[1]) : 2;
  if (!version) return reply_error(now, {"ERR Protocol version is not an integer or out of range"});
  if (*version != 2) return reply_error(now, {"NOPROTO unsupported protocol version"});
  if (now.count() > 2) return reply_error(now, {"ERR Syntax error in HELLO option '", now[2], "'"});
  write_array(now.reply, 14);
  write_items(now.reply, "server", "redis", "version", redis_version, "proto", 2, "id", now.from.id,
              "mode", "standalone", "role", "master", "modules");
  write_array(now.reply, 0);
}

void client_getname(call& now) {
  now.from.name.empty() ? write_nil(now.reply) : write_bulk(now.reply, now.from.name);
}

void client_setname(call& now) {
  const auto visible = [](char letter) { return letter >= '!' && letter <= '~'; };
  if (!std::ranges::all_of(now[2], visible) || now[2].size() > now.on.bounds.key_size_max_bytes)
    return reply_error(now,
                       {"ERR Client names cannot contain spaces, newlines or special characters."});
  now.from.name = now[2];
  reply_ok(now);
}

void client_list(call& now) {
  std::string text;
  for (const auto& [id, listed] : now.on.clients) {
    text += "id=" + std::to_string(id) + " addr=" + listed->address + " name=" + listed->name +
            " db=0 resp=2\n";
    if (text.size() > now.on.bounds.message_size_max_bytes()) return reply_too_long(now);
  }
  write_bulk(now.reply, text);
}

// --- The server ---

using facts = std::vector<std::pair<const char*, std::string>>;

// What client programs ask for.
void config_get(call& now) {
  facts known{{"appendonly", "no"},
              {"maxclients", std::to_string(now.on.bounds.clients_max)},
              {"proto-max-bulk-len", std::to_string(now.on.bounds.value_size_max_bytes)},
              {"save", ""}};
  std::erase_if(known, [&](const auto& setting) {
    return std::ranges::none_of(now.arguments.subspan(2), [&](std::string_view pattern) {
      return ::fnmatch(std::string(pattern).c_str(), setting.first, FNM_CASEFOLD) == 0;
    });
  });
  write_array(now.reply, 2 * known.size());
  for (const auto& [name, value] : known) write_items(now.reply, name, value);
}

// Name, arity, flags and where the keys are, as redis-cli and cluster libraries read them.
void describe_commands(call& now) {
  write_array(now.reply, command_count);
  for (const command& known : table) {
    if (!known.subname.empty()) continue;
    write_array(now.reply, 6);
    write_items(now.reply, known.name, known.arity);
    write_array(now.reply, 0);
    for (const int place : known.keys) write_integer(now.reply, place);
  }
}

void info(call& now) {
  using std::to_string;
  const server& on = now.on;
  const struct mallinfo2 memory = ::mallinfo2();
  const std::string keys = to_string(on.data.size());
  const std::pair<const char*, facts> sections[] = {
      {"Server", {{"redis_version", redis_version}, {"server_name", "myra-kv"}}},
      {"Clients", {{"connected_clients", to_string(on.clients.size())}}},
      {"Memory", {{"used_memory", to_string(memory.uordblks + memory.hblkhd)}}},
      {"Stats",
       {{"total_connections_received", to_string(on.counted.connections)},
        {"total_commands_processed", to_string(on.counted.commands)},
        {"total_error_replies", to_string(on.counted.error_replies)},
        {"expired_keys", to_string(on.data.expired_count())},
        {"keyspace_hits", to_string(on.counted.hits)},
        {"keyspace_misses", to_string(on.counted.misses)},
        {"slow_reader_stalls", to_string(on.counted.stalls)}}},
      {"Reactor",
       {{"backend", myra::io::name_of(on.reactor->backend())},
        {"backend_reason", on.reactor->reason()},
        {"kernel_entries", to_string(on.reactor->counters().kernel_entries)}}},
      {"Keyspace",
       {{"db0", "keys=" + keys + ",expires=" + to_string(on.data.ending_count()) + ",avg_ttl=0"}}},
  };
  std::string text;
  for (const auto& [title, lines] : sections) {
    const auto is_meant = [named = title](std::string_view word) {
      return same_word(word, named) || same_word(word, "all") || same_word(word, "default");
    };
    if (now.count() > 1 && std::ranges::none_of(now.arguments.subspan(1), is_meant)) continue;
    text.append(text.empty() ? "# " : "\r\n# ").append(title).append("\r\n");
    for (const auto& [name, value] : lines) text.append(name) += ":" + value + "\r\n";
  }
  write_bulk(now.reply, text);
}

// --- The table, and the way from the arguments to the command ---

// Searched from its start: quicker than hashing as long as the frequent ones come first.
constexpr std::array<command, 30> table{{
    {"get", "", 2, {1, 1, 1}, [](call& now) { reply_value(now, now[1]); }},
    {"set", "", -3, {1, 1, 1}, set},
    {"incr", "", 2, {1, 1, 1}, [](call& now) { add(now, 1); }},
    {"incrby", "", 3, {1, 1, 1}, [](call& now) { add(now, integer_or_error(now, now[2])); }},
    {"mget", "", -2, {1, -1, 1}, mget},
    {"mset", "", -3, {1, -1, 2}, mset},
    {"del", "", -2, {1, -1, 1}, [](call& now) { count_keys(now, &store::erase); }},
    {"exists", "", -2, {1, -1, 1}, [](call& now) { count_keys(now, &store::contains); }},
    {"expire", "", 3, {1, 1, 1}, expire},
    {"ttl", "", 2, {1, 1, 1}, ttl},
    {"type", "", 2, {1, 1, 1}, type},
    {"dbsize", "", 1, {}, [](call& now) { write_integer(now.reply, now.on.data.size()); }},
    {"flushall", "", -1, {}, flushall},
    {"ping", "", -1, {}, ping},
    {"echo", "", 2, {}, [](call& now) { write_bulk(now.reply, now[1]); }},
    {"select", "", 2, {}, select},
    {"quit", "", -1, {}, [](call& now) { reply_ok(now), now.from.quits = true; }},
    {"hello", "", -1, {}, hello},
    {"info", "", -1, {}, info},
    {"client", "getname", 2, {}, client_getname},
    {"client", "id", 2, {}, [](call& now) { write_integer(now.reply, now.from.id); }},
    {"client", "list", 2, {}, client_list},
    {"client", "setinfo", 4, {}, reply_ok},  // client libraries say what they are
    {"client", "setname", 3, {}, client_setname},
    {"client", "", -2, {}, [](call& now) { reply_unknown_subcommand(now, "CLIENT"); }},
    {"config", "get", -3, {}, config_get},
    {"config", "", -2, {}, [](call& now) { reply_unknown_subcommand(now, "CONFIG"); }},
    {"command", "count", 2, {}, [](call& now) { write_integer(now.reply, command_count); }},
    {"command", "docs", -2, {}, [](call& now) { write_array(now.reply, 0); }},  // there are none
    {"command", "", -1, {}, describe_commands},
}};

static_assert(std::ranges::count(table, "", &command::subname) == command_count);

const command* find_command(resp_command words) noexcept {
  for (const command& known : table) {
    if (!same_word(words[0], known.name)) continue;
    if (known.subname.empty()) return &known;
    if (words.size() > 1 && same_word(words[1], known.subname)) return &known;
  }
  return nullptr;
}

bool keys_fit(const call& now) noexcept {
  auto [at, last, step] = now.found->keys;
  if (last < 0) last += static_cast<int>(now.count());
  for (; at != 0 && at <= last; at += step)
    if (now[static_cast<std::size_t>(at)].size() > now.on.bounds.key_size_max_bytes) return false;
  return true;
}

void reply_unknown_command(call& now) {
  std::string quoted;
  for (const std::string_view argument : now.arguments.subspan(1))
    if (quoted.size() < quoted_size_max)
      quoted += "'" + std::string(argument.substr(0, quoted_size_max - quoted.size())) + "' ";
  reply_error(now, {"ERR unknown command '", now[0].substr(0, quoted_size_max),
                    "', with args beginning with: ", quoted});
}

}  // namespace

void execute(server& on, client& from, resp_command arguments) {
  ++on.counted.commands;
  call now{on, from, on.replies, arguments, find_command(arguments)};
  if (now.found == nullptr) return reply_unknown_command(now);
  const auto count = std::ssize(arguments);
  const int arity = now.found->arity;
  if (arity >= 0 ? count != arity : count < -arity) return reply_wrong_count(now);
  if (keys_fit(now)) return now.found->run(now);
  const std::string size_max = std::to_string(on.bounds.key_size_max_bytes);
  reply_error(now, {"ERR key is too long, at most ", size_max, " bytes"});
}

}  // namespace kv
