// Times in text, as RFC 3339 has them, in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "myra/schema/model.hpp"

namespace myra::schema {

/// How many units of a timestamp kind make a second.
[[nodiscard]] std::int64_t units_per_second(type_kind kind) noexcept;

/// The value of "2025-11-10T14:32:05.123Z" in the units of `kind`. Nothing for another form, a day
/// that does not exist, more digits than the kind keeps, or a time that it cannot hold.
[[nodiscard]] std::optional<std::int64_t> timestamp_from_text(type_kind kind,
                                                              std::string_view text);

}  // namespace myra::schema
