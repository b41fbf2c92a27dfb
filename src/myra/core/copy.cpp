#include "myra/core/copy.hpp"

#include <cassert>
#include <cstring>

namespace myra {

[[gnu::noinline]] void copy_payload(mutable_byte_view target, byte_view source,
                                    std::uint64_t& bytes_copied) noexcept {
  assert(target.size() >= source.size());
  if (source.empty()) return;
  std::memcpy(target.data(), source.data(), source.size());
  bytes_copied += source.size();
}

}  // namespace myra
