// What the server tells of itself: the texts of INFO and CLIENT LIST.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server.hpp"

namespace kv {

/// The version of Redis whose replies these are; client libraries choose by it.
inline constexpr std::string_view redis_version = "7.0.15";

/// Lines "name:value" in sections; those named in `sections`, all of them when it is empty.
[[nodiscard]] std::string describe_server(const server& of,
                                          std::span<const std::string_view> sections);

/// One line for each client.
[[nodiscard]] std::string describe_clients(const server& of);

}  // namespace kv
