// What the bench knows of a codec: four calls on messages of one kind of book. C++17, for peers
// whose headers know no later one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace codec_bench {

/// Borrowed bytes.
struct byte_run {
  const std::byte* data = nullptr;
  std::size_t size = 0;
};

/// Where a message may be written.
struct room {
  std::byte* data = nullptr;
  std::size_t size = 0;

  [[nodiscard]] byte_run first(std::size_t count) const noexcept { return {data, count}; }
};

template <class Book>
struct contender {
  const char* name;
  /// The message, in the memory given or in the codec's own; empty when that is too small.
  byte_run (*encode)(const Book&, room);
  /// Verifies, reads every field into a checksum; 0 when the message is refused.
  std::uint64_t (*decode)(byte_run);
  /// Verifies, reads one late scalar and one element.
  std::uint64_t (*access)(byte_run);
  /// Verifies alone; null where a codec cannot do that by itself.
  std::uint64_t (*verify)(byte_run) = nullptr;
};

}  // namespace codec_bench
