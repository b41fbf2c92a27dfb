// The command-line form of the fields.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "myra/config/configure.hpp"
#include "myra/core/error.hpp"

namespace myra::config {

enum class request : std::uint8_t { run, help, help_all, print_config };

/// What a command line says, before anything is set.
struct command_line {
  request asked = request::run;
  std::string file;  ///< Of --config; empty: none.
  /// The fields that were given, with what was found, in the table's order.
  std::vector<std::pair<const field*, std::string>> given;
};

/// Errors: invalid, for an unknown option (with the nearest known one), a missing value or a word
/// that belongs to no option. Points into `fields`.
[[nodiscard]] opened<command_line> read_arguments(std::span<const std::string> arguments,
                                                  std::span<const field> fields);

/// Sets the field from text. Errors: invalid, with the option, what was found and what is allowed.
[[nodiscard]] opened<void> set_from_text(const field& to, const std::string& text);

/// The field's option as one types it: the brief one where there is one, "--listen".
[[nodiscard]] std::string option_of(const field& of);
/// "--listener.address".
[[nodiscard]] std::string long_option_of(const field& of);

}  // namespace myra::config
