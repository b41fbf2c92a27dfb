// Parts of what Myra says of failures to a person.
#pragma once

#include <string>

#include "myra/core/clock.hpp"

namespace myra {

/// "30 s", "250 ms", "7 us": in the largest unit that it is a multiple of.
[[nodiscard]] std::string words_of(duration time);

}  // namespace myra
