// The command line of myra-kv.
#pragma once

#include <expected>
#include <span>
#include <string>

#include "myra/io/capabilities.hpp"
#include "server.hpp"

namespace kv {

struct options {
  std::string address = "127.0.0.1:6380";
  myra::io::backend_kind backend = myra::io::backend_kind::automatic;
  kv::limits limits;
  bool help = false;
};

extern const char* const help_text;

/// Reads the arguments, the program's name left out; or one line that names the option, what was
/// found and what is allowed.
[[nodiscard]] std::expected<options, std::string> parse_options(
    std::span<const char* const> arguments);

}  // namespace kv
