// Lets an allocation of those fail that are asked not to throw: what a reader does without memory
// is reached by an input as well. Included by one file of a program.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace fuzz {

/// How many such allocations succeed before one fails.
inline std::size_t allocations_left = static_cast<std::size_t>(-1);

/// Sets that, as long as it lives.
class allocations_bounded {
 public:
  explicit allocations_bounded(std::size_t count) { allocations_left = count; }
  allocations_bounded(const allocations_bounded&) = delete;
  allocations_bounded& operator=(const allocations_bounded&) = delete;
  ~allocations_bounded() { allocations_left = static_cast<std::size_t>(-1); }
};

}  // namespace fuzz

void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
  if (fuzz::allocations_left == 0) return nullptr;
  --fuzz::allocations_left;
  return ::operator new[](size);
}
