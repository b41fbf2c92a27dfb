// Which characters may stand where in a TOML file.
#pragma once

#include <string>
#include <string_view>

#include "myra/core/error.hpp"

namespace myra::config {

/// Refuses, with `name`:line:column, control characters other than tabs and line ends, and all that
/// is not ASCII outside of quotes and comments: TOML has neither (toml.io, v1.0.0), and toml++ 3.3
/// has undefined behaviour on some of both. Whether the rest is TOML is not looked at.
[[nodiscard]] opened<void> check_characters(std::string_view text, const std::string& name);

}  // namespace myra::config
