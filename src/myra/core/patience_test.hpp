// Times that depend on how fast the machine is. A deadline is never met early, on any machine; how
// late is too late is multiplied by MYRA_TIME_FACTOR (a number, 1 when absent) for slow ones and
// for sanitizers.
#pragma once

#include <chrono>
#include <cstdlib>

namespace myra {

[[nodiscard]] inline std::chrono::milliseconds patient(std::chrono::milliseconds limit) {
  const char* factor = std::getenv("MYRA_TIME_FACTOR");
  const double times = factor == nullptr ? 1.0 : std::atof(factor);
  return std::chrono::duration_cast<std::chrono::milliseconds>(limit * (times > 1.0 ? times : 1.0));
}

/// How much later than asked something may happen on a busy machine.
[[nodiscard]] inline std::chrono::milliseconds slack() {
  return patient(std::chrono::milliseconds(1500));
}

}  // namespace myra
