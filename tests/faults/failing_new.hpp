// An operator new that fails once, when it is asked to.
#pragma once

#include <cstdint>

namespace myra::faults {

/// From now on counts, and the `ordinal`-th allocation throws std::bad_alloc; 0: none does.
void fail_allocation(std::uint64_t ordinal) noexcept;
/// Since then; no more is counted and none fails.
std::uint64_t stop_counting() noexcept;

}  // namespace myra::faults
