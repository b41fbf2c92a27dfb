// A failing seed made shorter: as few of its faults as still make it fail, and what happened then.
#pragma once

#include <cstdint>
#include <functional>

#include "campaign.hpp"

namespace myra::simtest {

/// Runs `body` in a process of its own; its exit code, or 128 and the signal.
[[nodiscard]] int run_child(const std::function<void()>& body);

/// Prints the faults that are needed and the last moments of the run that has only those.
void make_shorter(std::uint64_t seed, progress& shared);

}  // namespace myra::simtest
