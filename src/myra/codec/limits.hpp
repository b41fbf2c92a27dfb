// What verify accepts at most.
#pragma once

#include <cstdint>

namespace myra::codec {

/// The work of verify is bounded by the size of the message whatever it says, and the size by this.
/// The others bound what a handler has to reckon with.
struct limits {
  std::uint32_t size_max_bytes = 64 * 1024 * 1024;
  std::uint32_t depth_max = 32;                 ///< A message without nested ones has depth 1.
  std::uint32_t element_count_max = 1'000'000;  ///< Of all lists and maps together.
  bool refuse_unordered_keys = false;           ///< Whether the keys of maps are compared as well.
};

inline constexpr limits default_limits;

}  // namespace myra::codec
