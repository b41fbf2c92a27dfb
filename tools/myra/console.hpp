// How the verbs speak to a person.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "myra/core/log.hpp"

namespace myra::tool {

/// The exit status of a program that could not begin.
inline constexpr int exit_usage = 2;

/// Prints "program: what" in one line on standard error and returns `exit_usage`.
int usage_error(std::string_view program, std::string_view what);

/// Writes the library's words of level info and above to standard error, a line each. `context`:
/// the program's name, a string literal.
[[nodiscard]] log_sink log_to_stderr(const char* program) noexcept;

/// Whether standard output takes colours: it is a terminal, and NO_COLOR (no-color.org) is not set.
[[nodiscard]] bool colours_wanted() noexcept;

enum class colour { none, green, yellow, red, bold };

/// `text` in a colour, or as it is where `enabled` is false.
[[nodiscard]] std::string paint(std::string_view text, colour chosen, bool enabled);

/// "1.5 MiB"
[[nodiscard]] std::string size_text(double bytes);
/// "1,048,576"
[[nodiscard]] std::string count_text(unsigned long long count);

}  // namespace myra::tool
