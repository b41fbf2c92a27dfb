// For tests of readers: what came out of a stream that was fed in given pieces.
#pragma once

#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "myra/framing/framing.hpp"

namespace myra::test {

struct outcome {
  std::vector<std::string> frames;
  std::error_code error;

  friend bool operator==(const outcome&, const outcome&) = default;
};

/// Feeds `stream`, cut at the offsets `cuts` (ascending), and ends it. Each piece lies in memory of
/// exactly its size, which is freed before the next one is fed, so that AddressSanitizer sees a
/// view that outlived its chunk.
template <framing Reader>
outcome read_in_pieces(Reader& reader, std::string_view stream,
                       const std::vector<std::size_t>& cuts) {
  outcome seen;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t end = i < cuts.size() ? cuts[i] : stream.size();
    const std::size_t size = end - begin;
    const auto piece = std::make_unique<std::byte[]>(size);
    if (size != 0) std::memcpy(piece.get(), stream.data() + begin, size);
    reader.feed({piece.get(), size});
    while (const auto frame = reader.next()) seen.frames.emplace_back(as_text(*frame));
    begin = end;
  }
  seen.error = reader.finish();
  return seen;
}

/// The next frame; one that is not there fails the test that looks for its bytes, since no frame
/// says so.
template <framing Reader>
byte_view next_frame(Reader& reader) {
  static constexpr std::string_view none = "(no frame)";
  return reader.next().value_or(as_bytes(none));
}

/// Calls `check` with every way to cut `size` bytes into two and three pieces (empty ones too), and
/// into single bytes.
inline void for_each_cut(std::size_t size,
                         const std::function<void(const std::vector<std::size_t>&)>& check) {
  for (std::size_t first = 0; first <= size; ++first) {
    check({first});
    for (std::size_t second = first; second <= size; ++second) check({first, second});
  }
  std::vector<std::size_t> every(size);
  for (std::size_t i = 0; i < size; ++i) every[i] = i;
  check(every);
}

}  // namespace myra::test
