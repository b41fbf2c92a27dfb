// The help texts, made from the fields.
#pragma once

#include <string>

#include "myra/config/configure.hpp"

namespace myra::config {

/// What the program does, its everyday options (those with a name of one word) and its examples.
[[nodiscard]] std::string help_text(const program& of);
/// Every field, table by table, with what is allowed.
[[nodiscard]] std::string full_help_text(const program& of);

}  // namespace myra::config
