// Whether the kernel can end a multishot receive after so many bytes (Linux 6.17), found by trial.
#pragma once

namespace myra::io {

/// Tried once in the life of the process.
[[nodiscard]] bool kernel_limits_receives() noexcept;

}  // namespace myra::io
