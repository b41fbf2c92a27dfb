// The one function of io, transport and framing that copies payload. It counts, so that "no copy"
// is a figure and not a belief.
#pragma once

#include <cassert>
#include <cstring>

#include "myra/core/bytes.hpp"

namespace myra {

/// Copies `source` to the start of `target` and adds its size to `bytes_copied`. `target` is at
/// least as large; the two do not overlap.
inline void copy_payload(mutable_byte_view target, byte_view source,
                         std::uint64_t& bytes_copied) noexcept {
  assert(target.size() >= source.size());
  if (source.empty()) return;
  std::memcpy(target.data(), source.data(), source.size());
  bytes_copied += source.size();
}

}  // namespace myra
