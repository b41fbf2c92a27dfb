// Which kernels the tests of io_uring leave out: those for which the user guide promises epoll.
#pragma once

#include <sys/utsname.h>

#include <cstdio>
#include <string>

namespace myra::io {

[[nodiscard]] inline bool kernel_is_at_least(unsigned major, unsigned minor) {
  utsname kernel{};
  unsigned found_major = 0;
  unsigned found_minor = 0;
  if (::uname(&kernel) != 0) return false;
  if (std::sscanf(kernel.release, "%u.%u", &found_major, &found_minor) != 2) return false;
  return found_major > major || (found_major == major && found_minor >= minor);
}

/// Why io_uring is not expected to work on the kernel under us; empty from Linux 6.1 on, where a
/// ring that cannot be opened is a failure and no reason to leave a test out.
[[nodiscard]] inline std::string why_no_uring() {
  if (kernel_is_at_least(6, 1)) return {};
  utsname kernel{};
  if (::uname(&kernel) != 0) return "uname(2) failed";
  return std::string("io_uring is used from Linux 6.1, this is ") + kernel.release;
}

}  // namespace myra::io
