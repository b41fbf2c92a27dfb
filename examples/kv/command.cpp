#include "command.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "resp_reply.hpp"

namespace kv {
namespace {

// As much of what a client sent as an error reply repeats.
constexpr std::size_t quoted_size_max = 128;

[[nodiscard]] bool fits(int arity, std::size_t count) noexcept {
  return arity >= 0 ? count == static_cast<std::size_t>(arity)
                    : count >= static_cast<std::size_t>(-arity);
}

[[nodiscard]] bool keys_fit(const key_places& keys, const call& now) noexcept {
  if (keys.first == 0) return true;
  const int last = keys.last < 0 ? static_cast<int>(now.count()) + keys.last : keys.last;
  for (int at = keys.first; at <= last; at += keys.step) {
    if (now[static_cast<std::size_t>(at)].size() > now.on.bounds.key_size_max_bytes) return false;
  }
  return true;
}

const command* find_command(std::string_view name) noexcept {
  // A walk along a short table whose first entries are the ones that matter: quicker than hashing.
  for (const std::span<const command> table : {key_commands(), server_commands()}) {
    for (const command& known : table) {
      if (same_word(name, known.name)) return &known;
    }
  }
  return nullptr;
}

const command* find_subcommand(const command& parent, std::string_view name) noexcept {
  for (const command& known : parent.subcommands) {
    if (same_word(name, known.name.substr(parent.name.size() + 1))) return &known;
  }
  return nullptr;
}

void reply_unknown_command(call& now) {
  std::string quoted;
  for (const std::string_view argument : now.arguments.subspan(1)) {
    if (quoted.size() >= quoted_size_max) break;
    const std::string_view shown = argument.substr(0, quoted_size_max - quoted.size());
    quoted.append("'").append(shown).append("' ");
  }
  reply_error(now, "ERR unknown command '" + std::string(now[0].substr(0, quoted_size_max)) +
                       "', with args beginning with: " + quoted);
}

void reply_unknown_subcommand(call& now, const command& parent) {
  std::string capitals(parent.name);
  for (char& letter : capitals) letter = static_cast<char>(letter - 'a' + 'A');
  reply_error(now, "ERR unknown subcommand '" + std::string(now[1].substr(0, quoted_size_max)) +
                       "'. Try " + capitals + " HELP.");
}

}  // namespace

void execute(call now) {
  ++now.on.counted.commands;
  const command* found = find_command(now[0]);
  if (found == nullptr) return reply_unknown_command(now);
  if (!found->subcommands.empty() && now.count() > 1) {
    const command* under = find_subcommand(*found, now[1]);
    if (under == nullptr) return reply_unknown_subcommand(now, *found);
    found = under;
  }
  if (!fits(found->arity, now.count())) return reply_wrong_count(now, found->name);
  if (!keys_fit(found->keys, now)) {
    return reply_error(now, "ERR key is too long, at most " +
                                std::to_string(now.on.bounds.key_size_max_bytes) + " bytes");
  }
  now.from.last_command = found->name;
  found->run(now);
}

void reply_ok(call& now) { now.reply.append("+OK\r\n"); }

void reply_error(call& now, std::string_view text) {
  ++now.on.counted.error_replies;
  write_error(now.reply, text);
}

void reply_wrong_count(call& now, std::string_view name) {
  reply_error(now, "ERR wrong number of arguments for '" + std::string(name) + "' command");
}

void reply_invalid_time(call& now) {
  reply_error(now,
              "ERR invalid expire time in '" + std::string(now.from.last_command) + "' command");
}

std::optional<std::int64_t> to_integer(std::string_view text) noexcept {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  const std::string_view digits = text.front() == '-' ? text.substr(1) : text;
  if (digits.front() == '0' && text != "0") return std::nullopt;
  return value;
}

std::optional<std::int64_t> integer_argument(call& now, std::size_t at) {
  const std::optional<std::int64_t> value = to_integer(now[at]);
  if (!value) reply_error(now, "ERR value is not an integer or out of range");
  return value;
}

bool same_word(std::string_view text, std::string_view small_letters) noexcept {
  if (text.size() != small_letters.size()) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    const bool capital = letter >= 'A' && letter <= 'Z';
    if ((capital ? letter - 'A' + 'a' : letter) != small_letters[at]) return false;
  }
  return true;
}

}  // namespace kv
