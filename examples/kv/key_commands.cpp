// Commands on keys. Replies and errors are those of Redis 7; https://redis.io/commands
#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <string>

#include "command.hpp"
#include "resp_reply.hpp"

namespace kv {
namespace {

using std::chrono::milliseconds;

void reply_value(call& now, const shared_text& value) {
  ++(value == nullptr ? now.on.counted.misses : now.on.counted.hits);
  if (value == nullptr) return write_nil(now.reply);
  write_number(now.reply, '$', static_cast<std::int64_t>(value->size()));
  now.reply.append_shared(value);
  now.reply.append("\r\n");
}

void get(call& now) { reply_value(now, now.on.data.find(now[1])); }

// When argument `at`, an amount of time in units of `scale` milliseconds, is over. Nothing, and the
// error has been replied, when it is out of the range of Redis, which counts from 1970.
std::optional<myra::time_point> end_argument(call& now, std::size_t at, std::int64_t scale) {
  const std::optional<std::int64_t> amount = integer_argument(now, at);
  if (!amount) return std::nullopt;
  const auto since_1970 = std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
  std::int64_t left = 0;
  std::int64_t end = 0;
  if (__builtin_mul_overflow(*amount, scale, &left) ||
      __builtin_add_overflow(left, since_1970.time_since_epoch().count(), &end)) {
    reply_invalid_time(now);
    return std::nullopt;
  }
  // Our clock counts nanoseconds; what lies beyond its 292 years ends with it.
  const myra::time_point last = myra::never - myra::duration(1);
  const std::int64_t left_max = std::chrono::floor<milliseconds>(last - now.on.data.now()).count();
  return left >= left_max ? last : now.on.data.now() + milliseconds(std::max(left, -left_max));
}

void set(call& now) {
  bool if_absent = false;
  bool if_present = false;
  std::size_t time_at = 0;
  for (std::size_t at = 3; at < now.count(); ++at) {
    const bool with_time = same_word(now[at], "ex") || same_word(now[at], "px");
    if (with_time && time_at == 0 && at + 1 < now.count()) {
      time_at = ++at;
    } else if (same_word(now[at], "nx") && !if_present) {
      if_absent = true;
    } else if (same_word(now[at], "xx") && !if_absent) {
      if_present = true;
    } else {
      return reply_error(now, "ERR syntax error");
    }
  }
  myra::time_point end = myra::never;
  if (time_at != 0) {
    const auto wanted = end_argument(now, time_at, same_word(now[time_at - 1], "ex") ? 1000 : 1);
    if (!wanted) return;
    if (*wanted <= now.on.data.now()) return reply_invalid_time(now);
    end = *wanted;
  }
  if ((if_absent || if_present) && now.on.data.contains(now[1]) != if_present) {
    return write_nil(now.reply);
  }
  now.on.data.set(now[1], now[2], end);
  reply_ok(now);
}

void del(call& now) {
  const auto erased = [&now](std::string_view key) { return now.on.data.erase(key); };
  write_integer(now.reply, std::ranges::count_if(now.arguments.subspan(1), erased));
}

void exists(call& now) {
  const auto found = [&now](std::string_view key) { return now.on.data.contains(key); };
  write_integer(now.reply, std::ranges::count_if(now.arguments.subspan(1), found));
}

void add(call& now, std::int64_t amount) {
  const shared_text& old = now.on.data.find(now[1]);
  const std::optional<std::int64_t> value = old == nullptr ? 0 : to_integer(*old);
  if (!value) return reply_error(now, "ERR value is not an integer or out of range");
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*value, amount, &sum)) {
    return reply_error(now, "ERR increment or decrement would overflow");
  }
  now.on.data.set(now[1], std::to_string(sum), now.on.data.end_of(now[1]).value_or(myra::never));
  write_integer(now.reply, sum);
}

void incr(call& now) { add(now, 1); }

void incrby(call& now) {
  if (const std::optional<std::int64_t> amount = integer_argument(now, 2)) add(now, *amount);
}

void mget(call& now) {
  write_array(now.reply, now.count() - 1);
  for (const std::string_view key : now.arguments.subspan(1)) {
    reply_value(now, now.on.data.find(key));
  }
}

void mset(call& now) {
  if (now.count() % 2 == 0) return reply_wrong_count(now, "mset");
  for (std::size_t at = 1; at < now.count(); at += 2) {
    now.on.data.set(now[at], now[at + 1], myra::never);
  }
  reply_ok(now);
}

void expire(call& now) {
  const std::optional<myra::time_point> end = end_argument(now, 2, 1000);
  if (end) write_integer(now.reply, now.on.data.set_end(now[1], *end) ? 1 : 0);
}

void ttl(call& now) {
  const std::optional<myra::time_point> end = now.on.data.end_of(now[1]);
  if (!end) return write_integer(now.reply, -2);
  if (*end == myra::never) return write_integer(now.reply, -1);
  const auto left = std::chrono::round<std::chrono::seconds>(*end - now.on.data.now());
  write_integer(now.reply, left.count());
}

void type(call& now) { write_simple(now.reply, now.on.data.contains(now[1]) ? "string" : "none"); }

void dbsize(call& now) { write_integer(now.reply, static_cast<std::int64_t>(now.on.data.size())); }

void flushall(call& now) {
  const bool known = now.count() == 1 || same_word(now[1], "sync") || same_word(now[1], "async");
  if (!known || now.count() > 2) return reply_error(now, "ERR syntax error");
  now.on.data.clear();
  reply_ok(now);
}

// The frequent ones first: the table is searched from its start.
constexpr std::array table{
    command{"get", 2, get, {1, 1, 1}},         command{"set", -3, set, {1, 1, 1}},
    command{"incr", 2, incr, {1, 1, 1}},       command{"mget", -2, mget, {1, -1, 1}},
    command{"mset", -3, mset, {1, -1, 2}},     command{"del", -2, del, {1, -1, 1}},
    command{"exists", -2, exists, {1, -1, 1}}, command{"expire", 3, expire, {1, 1, 1}},
    command{"ttl", 2, ttl, {1, 1, 1}},         command{"incrby", 3, incrby, {1, 1, 1}},
    command{"type", 2, type, {1, 1, 1}},       command{"dbsize", 1, dbsize},
    command{"flushall", -1, flushall},
};

}  // namespace

std::span<const command> key_commands() noexcept { return table; }

}  // namespace kv
