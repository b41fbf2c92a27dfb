// Where a thread runs and where its memory lies: pthread_setname_np(3), sched_setaffinity(2),
// set_mempolicy(2).
#pragma once

#include <string>
#include <vector>

#include "myra/core/result.hpp"

namespace myra {

/// What the kernel says about a thread, after whatever was asked for.
struct placement {
  std::string name;
  std::vector<unsigned> cpus;  ///< Those it may run on.
  int node = -1;  ///< The memory node of the processor that it was on when asked; -1: not told.
  /// Its memory comes from that node while there is some (MPOL_PREFERRED).
  bool memory_is_local = false;
};

/// The calling thread's name, cut to the 15 characters that the kernel keeps.
void name_this_thread(const std::string& name) noexcept;
/// Keeps the calling thread on one processor. Errors: invalid_argument when it is not there or not
/// this process's.
[[nodiscard]] result<void> pin_this_thread(unsigned cpu) noexcept;
/// Has what the calling thread maps and touches from now on come from the node that it runs on.
/// Errors: unsupported where the kernel has no NUMA.
[[nodiscard]] result<void> prefer_local_memory() noexcept;
[[nodiscard]] placement placement_of_this_thread();

}  // namespace myra
