// myra echo: the client. Sends messages, each when the one before has come back, and verifies every
// byte.
#pragma once

#include <cstdint>

#include "myra/config/options.hpp"

namespace myra::tool {

/// What the client sends.
struct echo_load {
  std::uint32_t connections = 10;
  std::uint32_t message_size = 1024;
  std::uint64_t bytes_total = 64 * 1024 * 1024;         ///< Over all connections.
  duration answer_deadline = std::chrono::seconds(10);  ///< No answer for so long is a failure.
};

/// Returns the exit status: 0 when every byte came back, in order, and nothing else did; else 1,
/// having said what was wrong. 2 when the target or the backend could not be had.
int run_echo_client(const config::options& options, const echo_load& load);

}  // namespace myra::tool
