// Which processors, as people and the kernel write it: "0-3,8".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "myra/core/result.hpp"

namespace myra {

/// The numbers, ascending, each once. Empty text is the empty list, which its user takes for "any".
/// Errors: invalid_argument when it is no list of numbers and ranges from 0 to 1023.
[[nodiscard]] result<std::vector<unsigned>> parse_cpu_list(std::string_view text);

/// The shortest text that reads back as `cpus`, which ascend.
[[nodiscard]] std::string print_cpu_list(const std::vector<unsigned>& cpus);

}  // namespace myra
