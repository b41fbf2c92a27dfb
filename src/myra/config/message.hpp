// The sentences that both outside forms use, so that one mistake reads the same in a file and on
// the command line.
#pragma once

#include <string>
#include <string_view>

#include "myra/config/field.hpp"
#include "myra/core/error.hpp"

namespace myra::config {

/// A report of condition::invalid.
[[nodiscard]] std::unexpected<error_report> invalid(std::string what);

/// `found` as a person reads it: a text in quotes and cut to a bearable length.
[[nodiscard]] std::string in_words(const value& found);

/// "NAME: found FOUND, allowed ALLOWED".
[[nodiscard]] std::string not_allowed(const field& refused, std::string_view name,
                                      std::string_view found);

/// "unknown THING; did you mean NEAREST?"
[[nodiscard]] std::string unknown_name(std::string_view thing, const std::string& nearest);

/// `text` without line breaks and other controls, cut to a bearable length.
[[nodiscard]] std::string on_one_line(std::string_view text);

}  // namespace myra::config
