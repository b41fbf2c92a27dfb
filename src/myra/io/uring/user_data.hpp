// What a completion's user data says: the operation's address with its generation in the upper 16
// bits, or a small number for what the backend asks on its own account.
#pragma once

#include <cstdint>

#include "myra/io/operation.hpp"

namespace myra::io {

constexpr std::uint64_t cancel_tag = 0;
constexpr std::uint64_t wake_tag = 1;
constexpr std::uint64_t call_tag = 2;     ///< A call whose caller went on without its result.
constexpr std::uint64_t install_tag = 3;  ///< The same; brings a descriptor that nobody wants.
constexpr std::uint64_t taken_tag = 4;    ///< Of a call, and its result has been taken.
constexpr std::uint64_t slot_close_tag = 5;
constexpr std::uint64_t open_tag = 6;  ///< Of a call as well; brings a direct descriptor.
constexpr std::uint64_t retry_tag = 7;
constexpr bool is_call(std::uint64_t user_data) noexcept {
  return user_data == call_tag || user_data == install_tag || user_data == open_tag;
}
/// From here on two for each inlet: an ordinary descriptor has come, a direct one has.
constexpr std::uint64_t first_inlet_tag = 16;
constexpr std::uint32_t inlet_count_max = 32'760;
/// No operation lies so low in memory (vm.mmap_min_addr, and programs lie far above it).
constexpr std::uint64_t own_tag_limit = first_inlet_tag + 2 * inlet_count_max;
constexpr unsigned generation_shift = 48;
constexpr std::uint64_t address_mask = (std::uint64_t{1} << generation_shift) - 1;

constexpr std::uint64_t inlet_tag(std::uint32_t number, bool brings_direct) noexcept {
  return first_inlet_tag + 2 * std::uint64_t{number} + (brings_direct ? 1 : 0);
}

inline operation* operation_of(std::uint64_t user_data) noexcept {
  // The kernel keeps the address for us as a number.
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<operation*>(user_data & address_mask);
}
inline std::uint64_t user_data_of(const operation& queued) noexcept {
  return reinterpret_cast<std::uintptr_t>(&queued) | std::uint64_t{queued.generation}
                                                         << generation_shift;
}

}  // namespace myra::io
