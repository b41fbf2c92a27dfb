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
constexpr std::uint64_t own_tag_limit = 16;
constexpr unsigned generation_shift = 48;
constexpr std::uint64_t address_mask = (std::uint64_t{1} << generation_shift) - 1;

inline std::uint64_t user_data_of(const operation& queued) noexcept {
  return reinterpret_cast<std::uintptr_t>(&queued) | std::uint64_t{queued.generation}
                                                         << generation_shift;
}

}  // namespace myra::io
