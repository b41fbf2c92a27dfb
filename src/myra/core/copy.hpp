// The one function of io, transport and framing that copies payload. It counts, so that "no copy"
// is a figure and not a belief; tools/check_copies.py refuses every other copy there.
#pragma once

#include <cstdint>

#include "myra/core/bytes.hpp"

namespace myra {

/// Copies `source` to the start of `target` and adds its size to `bytes_copied`. `target` is at
/// least as large; the two do not overlap. Never inlined, so that a profile shows each call.
void copy_payload(mutable_byte_view target, byte_view source, std::uint64_t& bytes_copied) noexcept;

}  // namespace myra
