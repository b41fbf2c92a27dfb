// Whether the kernel can end a multishot receive after so many bytes (Linux 6.17), found by trial.
#pragma once

namespace myra::io {

/// Tried until there is an answer, which holds for the life of the process. False when it cannot be
/// tried, for want of descriptors or memory.
[[nodiscard]] bool kernel_limits_receives() noexcept;

}  // namespace myra::io
