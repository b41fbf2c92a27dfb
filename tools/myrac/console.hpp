// What the verbs share: options, files, and words on standard error.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "myra/schema/compile.hpp"

namespace myra::compiler {

inline constexpr int exit_wrong = 1;
inline constexpr int exit_usage = 2;

/// Reads the command line. Where the program is to end (--help, a bad option), its exit status.
[[nodiscard]] std::optional<int> parse(CLI::App& app, int argc, const char* const* argv);

/// Compiles, and prints the errors where there are any; nothing then.
[[nodiscard]] std::optional<schema::compiled> compile_or_tell(
    const schema::compile_options& options);

/// Writes a file whole, unless it has that text already; says on standard error why not.
[[nodiscard]] bool write_file(const std::string& path, std::string_view text);

/// Writes the ledgers that changed; prints a line for each.
[[nodiscard]] bool write_ledgers(const schema::compiled& made);

/// What would change in the ledgers, in words; empty where nothing would.
[[nodiscard]] std::string ledger_changes(const schema::compiled& made);

void tell(std::string_view text);

}  // namespace myra::compiler
