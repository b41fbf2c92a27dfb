// How the verbs speak to a person.
#pragma once

#include <string>
#include <string_view>

namespace myra::tool {

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
