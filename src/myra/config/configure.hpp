// From the outside forms to the program's variables: file first, command line over it, then the
// checks.
//
//   myra::config::options options;
//   options.listener.address = "127.0.0.1:6379";
//   std::uint32_t key_size_max = 64 * 1024;
//
//   auto program = myra::config::program_of(options, {.threads = true, .listener = true});
//   program.name = "myra-kv";
//   program.summary = "A key-value server.";
//   program.examples = "myra-kv --listen 127.0.0.1:6379\nmyra-kv --config kv.toml";
//   program.fields.push_back(
//       myra::config::size("kv.key_size_max", "Longest key.", key_size_max, {1, 1 << 20}));
//   if (auto status = myra::config::configure(argc, argv, program)) return *status;
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "myra/config/field.hpp"
#include "myra/config/options.hpp"
#include "myra/core/error.hpp"

namespace myra::config {

/// What one program (or one verb of it) understands.
struct program {
  std::string name;      ///< As one types it: "myra echo".
  std::string summary;   ///< One sentence or more, for --help.
  std::string examples;  ///< Command lines, one a line, for --help.
  std::vector<field> fields;
  /// What does not go together: empty, or a sentence that names the fields.
  std::function<std::string()> check;
};

/// A program with the fields of `options` and their check; its name and words are still to be set.
/// `options` must outlive it.
[[nodiscard]] program program_of(options& options, const offered& parts);

/// Reads `--config FILE`, then the command line over it (`--name value`, `--name=value`, `--name`
/// and `--no-name` for flags), then checks. argv[0] is skipped: for a verb of a program, hand in
/// argv from the verb on.
///
/// Nothing: the variables are set and the program goes on. A number: the program ends with that
/// status, having written to standard output what --help, --help-all (every field) or
/// --print-config (the effective options as a file) asks for (0), or to standard error one line
/// that says what is wrong and what to do (2).
[[nodiscard]] std::optional<int> configure(int argc, const char* const* argv,
                                           const program& program);

/// What `configure` found: to go on (empty text), to print, or an error whose `what` is the line.
struct outcome {
  bool ends = false;  ///< The program is to print `text` and end with status 0.
  std::string text;
};

/// `configure` without printing, for tests and for programs with a console of their own.
/// `arguments` are those after the program's name.
[[nodiscard]] opened<outcome> parse(std::span<const std::string> arguments, const program& program);

/// Sets `fields` from a file. Errors: invalid, with file:line:column, the field, what was found and
/// what is allowed (for an unknown name, the nearest known one); the system's when the file cannot
/// be read. On an error some may be set.
[[nodiscard]] opened<void> read_file(const std::string& path, std::span<const field> fields);

/// The same of text in memory; `name` stands for the file in messages.
[[nodiscard]] opened<void> read_text(std::string_view text, const std::string& name,
                                     std::span<const field> fields);

/// The present values as a file that `read_text` takes, each with its help as a comment.
[[nodiscard]] std::string print(std::span<const field> fields);

}  // namespace myra::config
