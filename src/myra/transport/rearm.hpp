// Why a receive, or an accept, that has ended is armed again.
#pragma once

#include <cerrno>
#include <cstdint>

#include "myra/io/operation.hpp"
#include "myra/reactor/loop.hpp"

namespace myra {

/// `ended` has completed for the last time, with `result`.
template <class Operation>
[[nodiscard]] arm_reason reason_to_rearm(const Operation& ended, std::int32_t result) noexcept {
  if (result == -ENOBUFS) return arm_reason::no_buffer;
  if (ended.cancelled || result == -ECANCELED) return arm_reason::resumed;
  return ended.multishot ? arm_reason::ended : arm_reason::one_shot;
}

}  // namespace myra
