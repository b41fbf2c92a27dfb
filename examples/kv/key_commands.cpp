// Commands on keys: GET, SET, DEL, EXISTS, INCR, INCRBY, MGET, MSET, EXPIRE, TTL, TYPE, DBSIZE,
// FLUSHALL. Replies and errors are those of Redis 7; https://redis.io/commands
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <limits>
#include <string>

#include "command.hpp"
#include "resp_reply.hpp"

namespace kv {
namespace {

constexpr std::int64_t integer_max = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t integer_min = std::numeric_limits<std::int64_t>::min();

void reply_value(call& now, const shared_text& value) {
  if (value == nullptr) {
    ++now.on.counted.misses;
    return write_nil(now.on.replies);
  }
  ++now.on.counted.hits;
  write_number(now.on.replies, '$', static_cast<std::int64_t>(value->size()));
  now.on.replies.append_shared(value);
  now.on.replies.append("\r\n");
}

void get(call& now) { reply_value(now, now.on.data.find(now[1], now.on.now)); }

enum class time_unit { seconds, milliseconds };

// An amount of time as a command gives it, in milliseconds: nothing when it is out of range, which
// for Redis includes what, added to its clock of milliseconds since 1970, does.
std::optional<std::int64_t> to_milliseconds(std::int64_t amount, time_unit unit) {
  const std::int64_t scale = unit == time_unit::seconds ? 1000 : 1;
  if (amount > integer_max / scale || amount < integer_min / scale) return std::nullopt;
  const auto since_1970 = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  if (amount * scale > integer_max - since_1970.count()) return std::nullopt;
  return amount * scale;
}

// The monotonic clock counts nanoseconds; what lies beyond its 292 years ends with it.
myra::time_point end_after(myra::time_point now, std::int64_t amount_milliseconds) {
  const myra::time_point last = myra::never - myra::duration(1);
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(last - now);
  return amount_milliseconds >= left.count() ? last
                                             : now + std::chrono::milliseconds(amount_milliseconds);
}

void reply_invalid_expiry(call& now) {
  reply_error(now,
              "ERR invalid expire time in '" + std::string(now.from.last_command) + "' command");
}

struct set_options {
  bool if_absent = false;   // NX
  bool if_present = false;  // XX
  bool keep_end = false;    // KEEPTTL
  bool get = false;         // GET
  std::optional<time_unit> unit;
  std::size_t amount_at = 0;  // the argument with the time
};

std::optional<set_options> parse_set_options(const call& now) {
  set_options read;
  for (std::size_t at = 3; at < now.count(); ++at) {
    const std::string_view word = now[at];
    const bool time_free = !read.unit && !read.keep_end;
    const bool is_seconds = same_word(word, "ex");
    if (same_word(word, "nx") && !read.if_present) {
      read.if_absent = true;
    } else if (same_word(word, "xx") && !read.if_absent) {
      read.if_present = true;
    } else if (same_word(word, "get")) {
      read.get = true;
    } else if (same_word(word, "keepttl") && !read.unit) {
      read.keep_end = true;
    } else if ((is_seconds || same_word(word, "px")) && time_free && at + 1 < now.count()) {
      read.unit = is_seconds ? time_unit::seconds : time_unit::milliseconds;
      read.amount_at = ++at;
    } else {
      return std::nullopt;
    }
  }
  return read;
}

// When the value of a SET is to end; when that cannot be, the error has been replied.
std::optional<myra::time_point> end_of_set(call& now, const set_options& wanted) {
  if (!wanted.unit) return myra::never;
  const std::optional<std::int64_t> amount = integer_argument(now, wanted.amount_at);
  if (!amount) return std::nullopt;
  const std::optional<std::int64_t> in = to_milliseconds(*amount, *wanted.unit);
  if (!in || *in <= 0) {
    reply_invalid_expiry(now);
    return std::nullopt;
  }
  return end_after(now.on.now, *in);
}

void set_with_options(call& now) {
  const std::optional<set_options> wanted = parse_set_options(now);
  if (!wanted) return reply_syntax_error(now);
  const std::optional<myra::time_point> end = end_of_set(now, *wanted);
  if (!end) return;

  const shared_text& old = now.on.data.find(now[1], now.on.now);
  const bool allowed = old == nullptr ? !wanted->if_present : !wanted->if_absent;
  if (wanted->get) {
    reply_value(now, old);
  } else if (!allowed) {
    write_nil(now.on.replies);
  } else {
    reply_ok(now);
  }
  if (!allowed) return;
  if (wanted->keep_end) {
    now.on.data.set_keeping_end(now[1], now[2], now.on.now);
  } else {
    now.on.data.set(now[1], now[2], *end);
  }
}

void set(call& now) {
  if (now.count() > 3) return set_with_options(now);
  now.on.data.set(now[1], now[2], myra::never);
  reply_ok(now);
}

void del(call& now) {
  std::int64_t count = 0;
  for (const std::string_view key : now.arguments.subspan(1)) {
    if (now.on.data.erase(key, now.on.now)) ++count;
  }
  write_integer(now.on.replies, count);
}

void exists(call& now) {
  std::int64_t count = 0;
  for (const std::string_view key : now.arguments.subspan(1)) {
    if (now.on.data.contains(key, now.on.now)) ++count;
  }
  write_integer(now.on.replies, count);
}

void add(call& now, std::int64_t amount) {
  const shared_text& old = now.on.data.find(now[1], now.on.now);
  const std::optional<std::int64_t> value = old == nullptr ? 0 : to_integer(*old);
  if (!value) return reply_error(now, "ERR value is not an integer or out of range");
  std::int64_t sum = 0;
  if (__builtin_add_overflow(*value, amount, &sum)) {
    return reply_error(now, "ERR increment or decrement would overflow");
  }
  std::array<char, 24> digits;
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), sum).ptr;
  now.on.data.set_keeping_end(now[1], {digits.data(), end}, now.on.now);
  write_integer(now.on.replies, sum);
}

void incr(call& now) { add(now, 1); }

void incrby(call& now) {
  if (const std::optional<std::int64_t> amount = integer_argument(now, 2)) add(now, *amount);
}

void mget(call& now) {
  write_array(now.on.replies, now.count() - 1);
  for (const std::string_view key : now.arguments.subspan(1)) {
    reply_value(now, now.on.data.find(key, now.on.now));
  }
}

void mset(call& now) {
  if (now.count() % 2 == 0) return reply_wrong_count(now, "mset");
  for (std::size_t at = 1; at < now.count(); at += 2) {
    now.on.data.set(now[at], now[at + 1], myra::never);
  }
  reply_ok(now);
}

// When EXPIRE may set the end that it was given.
struct expire_rule {
  bool if_endless = false;  // NX
  bool if_ending = false;   // XX
  bool if_later = false;    // GT
  bool if_earlier = false;  // LT

  [[nodiscard]] bool allows(myra::time_point old, myra::time_point wanted) const noexcept {
    if (if_endless && old != myra::never) return false;
    if (if_ending && old == myra::never) return false;
    if (if_later && wanted <= old) return false;
    return !if_earlier || wanted < old;
  }
};

// When the words contradict each other the error has been replied.
std::optional<expire_rule> parse_expire_rule(call& now) {
  expire_rule rule;
  for (const std::string_view word : now.arguments.subspan(3)) {
    if (same_word(word, "nx")) {
      rule.if_endless = true;
    } else if (same_word(word, "xx")) {
      rule.if_ending = true;
    } else if (same_word(word, "gt")) {
      rule.if_later = true;
    } else if (same_word(word, "lt")) {
      rule.if_earlier = true;
    } else {
      reply_error(now, "ERR Unsupported option " + std::string(word));
      return std::nullopt;
    }
  }
  if (rule.if_endless && (rule.if_ending || rule.if_later || rule.if_earlier)) {
    reply_error(now, "ERR NX and XX, GT or LT options at the same time are not compatible");
    return std::nullopt;
  }
  if (rule.if_later && rule.if_earlier) {
    reply_error(now, "ERR GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return rule;
}

void expire(call& now) {
  const std::optional<expire_rule> rule = parse_expire_rule(now);
  if (!rule) return;
  const std::optional<std::int64_t> amount = integer_argument(now, 2);
  if (!amount) return;
  const std::optional<std::int64_t> in = to_milliseconds(*amount, time_unit::seconds);
  if (!in) return reply_invalid_expiry(now);

  store& data = now.on.data;
  const std::optional<myra::time_point> old = data.end_of(now[1], now.on.now);
  // What is over already ends now: the key goes at once.
  const myra::time_point end = end_after(now.on.now, std::max<std::int64_t>(*in, 0));
  if (!old || !rule->allows(*old, end)) return write_integer(now.on.replies, 0);
  if (*in > 0) {
    data.set_end(now[1], end, now.on.now);
  } else {
    data.erase(now[1], now.on.now);
  }
  write_integer(now.on.replies, 1);
}

void ttl(call& now) {
  const std::optional<myra::time_point> end = now.on.data.end_of(now[1], now.on.now);
  if (!end) return write_integer(now.on.replies, -2);
  if (*end == myra::never) return write_integer(now.on.replies, -1);
  const auto left = std::chrono::round<std::chrono::seconds>(*end - now.on.now);
  write_integer(now.on.replies, left.count());
}

void type(call& now) {
  write_simple(now.on.replies, now.on.data.contains(now[1], now.on.now) ? "string" : "none");
}

void dbsize(call& now) {
  write_integer(now.on.replies, static_cast<std::int64_t>(now.on.data.size()));
}

void flushall(call& now) {
  const bool known =
      now.count() == 1 ||
      (now.count() == 2 && (same_word(now[1], "sync") || same_word(now[1], "async")));
  if (!known) return reply_syntax_error(now);
  now.on.data.clear();
  reply_ok(now);
}

// name, arity, function, first key, last key, step, writes
constexpr std::array table{
    command{"get", 2, get, 1, 1, 1},
    command{"set", -3, set, 1, 1, 1, true},
    command{"incr", 2, incr, 1, 1, 1, true},
    command{"mget", -2, mget, 1, -1, 1},
    command{"mset", -3, mset, 1, -1, 2, true},
    command{"del", -2, del, 1, -1, 1, true},
    command{"exists", -2, exists, 1, -1, 1},
    command{"expire", -3, expire, 1, 1, 1, true},
    command{"ttl", 2, ttl, 1, 1, 1},
    command{"incrby", 3, incrby, 1, 1, 1, true},
    command{"type", 2, type, 1, 1, 1},
    command{"dbsize", 1, dbsize},
    command{"flushall", -1, flushall, 0, 0, 0, true},
};

}  // namespace

std::span<const command> key_commands() noexcept { return table; }

}  // namespace kv
