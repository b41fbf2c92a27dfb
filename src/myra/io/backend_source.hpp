// Where a reactor gets its backend from when not from the kernel: a simulated machine (io/sim), or
// whatever else keeps the promises of backend.hpp.
#pragma once

#include <memory>

#include "myra/core/error.hpp"
#include "myra/io/backend.hpp"
#include "myra/memory/buffer_pool.hpp"

namespace myra::io {

/// What the reactor's options say to a backend.
struct backend_wishes {
  std::uint32_t submission_entries = 1024;
  std::uint32_t completion_entries = 8192;
  std::uint32_t receive_buffer_count = 256;
  feature_switches features;
};

/// Borrowed by the reactor's options; outlives the backends that it opened.
class backend_source {
 public:
  virtual ~backend_source() = default;
  /// `pool` is borrowed and outlives the backend.
  [[nodiscard]] virtual opened<std::unique_ptr<backend>> open_backend(const backend_wishes& wishes,
                                                                      buffer_pool& pool) = 0;
};

}  // namespace myra::io
