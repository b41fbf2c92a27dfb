// Which backend carries a reactor, and why: the only place that knows them all.
#pragma once

#include <memory>
#include <string>

#include "myra/core/error.hpp"
#include "myra/io/backend.hpp"
#include "myra/io/uring/uring.hpp"
#include "myra/memory/buffer_pool.hpp"
#include "myra/reactor/options.hpp"

namespace myra {

struct chosen_backend {
  std::unique_ptr<io::backend> backend;
  std::string reason;
  /// Those of the options, without what does harm on this kernel.
  io::feature_switches features;
};

/// Errors: the backend asked for by name cannot be had; the report says why. `automatic` takes
/// epoll then, unless what is missing is a resource that epoll needs as well. The pools are
/// borrowed and outlive the backend; `large_pool` may be null.
[[nodiscard]] opened<chosen_backend> choose_backend(const reactor_options& options,
                                                    buffer_pool& pool, buffer_pool* large_pool);

/// The pool of large buffers that a reactor of these options has; null when it has none.
[[nodiscard]] result<buffer_pool::owner> open_large_pool(const reactor_options& options);

/// The options of a ring for a reactor of these options.
[[nodiscard]] io::uring_options uring_options_of(const reactor_options& options);

}  // namespace myra
