// How a ring is set up beyond the sizes of its queues: io_uring_setup(2), io_uring_register(2). The
// defaults are right for a server; epoll has no use for any of it.
#pragma once

#include <cstdint>
#include <string>

#include "myra/core/clock.hpp"

namespace myra::io {

/// On whose time the kernel runs the second half of an operation.
enum class task_running {
  automatic,     ///< `deferred`, or `interrupting` with submission polling.
  deferred,      ///< When the loop enters the kernel for completions (IORING_SETUP_DEFER_TASKRUN).
  cooperative,   ///< At any entry of the loop's thread (IORING_SETUP_COOP_TASKRUN).
  interrupting,  ///< At once, interrupting the loop's thread: neither flag.
};

/// A thread of the kernel takes what is submitted, so that submitting enters the kernel only when
/// that thread has gone to sleep (IORING_SETUP_SQPOLL). It spins on a core of its own.
struct submission_polling_options {
  bool on = false;
  /// The thread sleeps after so long without a submission; whole milliseconds, 1 ms to 1 h.
  duration idle = std::chrono::seconds(1);
  /// The processor that it is kept on; -1: any.
  std::int32_t cpu = -1;
  /// Share the thread of another ring that polls (IORING_SETUP_ATTACH_WQ): that ring's descriptor,
  /// `reactor::ring_descriptor()`. -1: a thread of its own.
  std::int32_t share_with = -1;
};

/// Threads that the kernel starts for what would block, such as a connect to a Unix socket whose
/// backlog is full (io_uring_register_iowq_max_workers(3)).
struct worker_options {
  std::uint32_t bounded_max = 0;    ///< For what ends soon; 0: the kernel's own limit.
  std::uint32_t unbounded_max = 0;  ///< For what may wait for ever; 0: the kernel's own limit.
  std::string cpus;                 ///< Where they may run, such as "0-3,8"; empty: anywhere.
};

/// A wait that goes on for `time` after it began, unless so many completions came, to take more at
/// once (min_wait_usec, io_uring_enter2(2), Linux 6.12). Adds up to `time` to every message.
struct minimum_wait_options {
  duration time = duration::zero();  ///< Whole microseconds, up to 1 s; zero: none.
  std::uint32_t completions = 16;
};

struct ring_options {
  task_running tasks = task_running::automatic;
  submission_polling_options submission_polling = {};
  worker_options workers = {};
  minimum_wait_options minimum_wait = {};
  /// The ring takes operations on sockets and nothing else, for good: what gains control of it can
  /// open no file through it (IORING_REGISTER_RESTRICTIONS). Opening fails where the kernel cannot.
  bool sockets_only = false;
  /// IORING_SETUP_IOPOLL. Always refused: it polls disks; a receive on such a ring fails.
  bool io_polling = false;
};

/// Names the first option that is out of bounds or the first two that exclude each other, what was
/// found and what is allowed; empty when all is right. Names begin with "ring.".
[[nodiscard]] std::string check(const ring_options& options);

}  // namespace myra::io
