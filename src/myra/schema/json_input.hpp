// JSON that somebody wrote, read with limits.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "myra/schema/message_scalar.hpp"

namespace myra::schema {

/// The value of `text`, or why there is none. Refuses what is nested deeper than `depth_max`, and
/// objects that have a key twice, of which one value would be lost.
[[nodiscard]] std::expected<message_json, std::string> read_json(std::string_view text,
                                                                 std::size_t depth_max);

}  // namespace myra::schema
