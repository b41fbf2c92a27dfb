// For tests of what happens with a small RLIMIT_MEMLOCK.
#pragma once

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace myra::io {

/// As long as it lives, the thread may lock so much memory only, even if it is root's, which may
/// lock as much as it likes.
class little_locked_memory {
 public:
  explicit little_locked_memory(rlim_t size) {
    header_.version = _LINUX_CAPABILITY_VERSION_3;
    ::syscall(SYS_capget, &header_, before_.data());
    auto without = before_;
    without[0].effective &= ~(1U << CAP_IPC_LOCK);
    ::syscall(SYS_capset, &header_, without.data());
    ::getrlimit(RLIMIT_MEMLOCK, &limit_);
    const rlimit little{std::min(size, limit_.rlim_max), limit_.rlim_max};
    ::setrlimit(RLIMIT_MEMLOCK, &little);
  }
  little_locked_memory(const little_locked_memory&) = delete;
  little_locked_memory& operator=(const little_locked_memory&) = delete;
  ~little_locked_memory() {
    ::setrlimit(RLIMIT_MEMLOCK, &limit_);
    ::syscall(SYS_capset, &header_, before_.data());
  }

 private:
  __user_cap_header_struct header_{};
  std::array<__user_cap_data_struct, 2> before_{};
  rlimit limit_{};
};

}  // namespace myra::io
