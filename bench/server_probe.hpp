// What a measured server has cost so far, seen from outside.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace myra::bench {

/// Clock ticks of CPU time. The kernel's split is scaled to what it knows exactly, their sum.
struct cpu_split {
  std::uint64_t user = 0;
  std::uint64_t system = 0;
};

/// Watches one process. With `count_entries` its kernel entries are counted by the tracepoint
/// raw_syscalls:sys_enter on every task it has now; that needs root and slows the server a little,
/// so a run that counts entries is not one that measures CPU.
class server_probe {
 public:
  /// `pid` 0 watches nothing and reports zeros. `counter_file`, when not empty, holds one 64-bit
  /// number that the server keeps up to date. Ends the program when the kernel refuses.
  server_probe(pid_t pid, bool count_entries, std::string counter_file);
  ~server_probe();
  server_probe(const server_probe&) = delete;
  server_probe& operator=(const server_probe&) = delete;

  /// CPU time of all tasks of the process, submission-polling and io-wq threads included. Exact
  /// for a task that sleeps; for one that runs it is as old as the last clock tick.
  std::uint64_t cpu_ns() const;

  /// The same in its two parts, far coarser.
  cpu_split split() const;

  /// Kernel entries since construction.
  std::uint64_t entries() const;

  /// The number in the counter file.
  std::uint64_t counted() const;

 private:
  pid_t pid_;
  std::string counter_file_;
  std::vector<int> counters_;
};

}  // namespace myra::bench
