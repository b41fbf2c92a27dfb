// "Did you mean": the known name that a mistyped one comes nearest to.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace myra {

/// The nearest of `known` to `typed`, or of the last parts of their names (after the last dot) to
/// that of `typed`; empty when none is near enough to be meant.
[[nodiscard]] std::string nearest_name(std::string_view typed, std::span<const std::string> known);

}  // namespace myra
