// The command line of myra-kv.
#pragma once

#include <span>
#include <string>

#include "myra/core/error.hpp"
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

/// Reads the arguments, the program's name left out. Errors: invalid; the report names the option,
/// what was found and what is allowed.
[[nodiscard]] myra::opened<options> parse_options(std::span<const char* const> arguments);

}  // namespace kv
