// Which kernels the tests of io_uring leave out: those for which the user guide promises epoll.
#pragma once

#include <sys/utsname.h>

#include <cstdio>
#include <string>

namespace myra::io {

/// Why io_uring is not expected to work on the kernel under us; empty from Linux 6.1 on, where a
/// ring that cannot be opened is a failure and no reason to leave a test out.
[[nodiscard]] inline std::string why_no_uring() {
  utsname kernel{};
  unsigned major = 0;
  unsigned minor = 0;
  if (::uname(&kernel) != 0) return "uname(2) failed";
  if (std::sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
    return std::string("what version is ") + kernel.release + "?";
  if (major > 6 || (major == 6 && minor >= 1)) return {};
  return std::string("io_uring is used from Linux 6.1, this is ") + kernel.release;
}

}  // namespace myra::io
