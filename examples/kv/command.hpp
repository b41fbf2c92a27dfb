// The commands of the server: two tables, and one function for each command.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "resp_parser.hpp"
#include "server.hpp"

namespace kv {

/// One command under way. `arguments` borrow from the network's buffer for the length of the call.
struct call {
  server& on;
  client& from;
  replies& reply;
  resp_command arguments;

  [[nodiscard]] std::size_t count() const noexcept { return arguments.size(); }
  [[nodiscard]] std::string_view operator[](std::size_t at) const noexcept { return arguments[at]; }
};

/// Which arguments are keys: from the first to the last (from the end when negative), every how
/// many.
struct key_places {
  int first = 0;
  int last = 0;
  int step = 0;
};

struct command {
  std::string_view name;  // in small letters; that of a subcommand is "command|subcommand"
  int arity;              // arguments with the name; negative: at least so many
  void (*run)(call& now);
  key_places keys = {};
  std::span<const command> subcommands = {};
};

/// Runs one command and writes its reply. When something is wrong with it, that reply is an error
/// and nothing has changed.
void execute(call now);

/// The tables: commands on keys, and the others.
[[nodiscard]] std::span<const command> key_commands() noexcept;
[[nodiscard]] std::span<const command> server_commands() noexcept;

/// Words that commands share.
void reply_ok(call& now);
void reply_error(call& now, std::string_view text);
void reply_wrong_count(call& now, std::string_view name);
void reply_invalid_time(call& now);
/// `text` as an integer in Redis' strict form: no blank, no plus sign, no leading zero.
[[nodiscard]] std::optional<std::int64_t> to_integer(std::string_view text) noexcept;
/// Argument `at`; when it is no integer the error has been replied.
[[nodiscard]] std::optional<std::int64_t> integer_argument(call& now, std::size_t at);
/// Whether both are the same but for the case of letters.
[[nodiscard]] bool same_word(std::string_view text, std::string_view small_letters) noexcept;

}  // namespace kv
