// The backend on io_uring from outside: without a word of liburing.
#pragma once

#include <memory>
#include <string>

#include "myra/core/clock.hpp"
#include "myra/core/error.hpp"
#include "myra/io/backend.hpp"
#include "myra/io/ring_options.hpp"
#include "myra/io/zero_copy_receive.hpp"
#include "myra/memory/buffer_pool.hpp"

namespace myra::io {

struct uring_options {
  unsigned submission_entries = 1024;
  unsigned completion_entries = 8192;
  unsigned receive_buffer_count = 256;
  /// Of large buffers, for receives that ask for them; borrowed, outlives the backend. Null: none.
  buffer_pool* large_pool = nullptr;
  unsigned large_buffer_count = 32;
  /// Places in the table of direct descriptors; zero: as many as RLIMIT_NOFILE allows, up to
  /// 16,384.
  unsigned direct_descriptor_count = 0;
  /// The pool's memory is registered with the kernel, for zero-copy sends.
  bool registered_buffers = false;
  waiting wait = waiting::block;
  duration spin_time = std::chrono::microseconds(50);  ///< Of `spin_then_block`.
  /// Busy polling of network cards (IORING_REGISTER_NAPI); zero: none.
  duration busy_poll = duration::zero();
  bool prefer_busy_poll = false;
  /// Try what receives use before it is used (self_test.hpp).
  bool self_test = true;
  ring_options ring = {};
  zero_copy_receive_options zero_copy_receive = {};
  feature_switches features = {};
};

struct self_test_report;

struct uring {
  std::unique_ptr<backend> made;
  /// What was set up, in words, with what had to be reduced or left unused.
  std::string description;
  /// Those asked for, without what does harm on this kernel.
  feature_switches features;
  /// What the self-test found; null: it was not wanted.
  std::shared_ptr<const self_test_report> tested;
};

/// Errors: the report says which limit, policy or kernel version is in the way: permission_denied
/// (seccomp, kernel.io_uring_disabled), unsupported (no io_uring), invalid (before Linux 6.1),
/// resource_exhausted (RLIMIT_MEMLOCK).
[[nodiscard]] opened<uring> open_uring(const uring_options& options, buffer_pool& pool);

/// What the kernel under us has for sockets and what of it a ring opened with `options` uses. Opens
/// a ring to see.
[[nodiscard]] capabilities probe_uring(const uring_options& options, buffer_pool& pool);

}  // namespace myra::io
