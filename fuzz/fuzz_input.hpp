// How the bytes of a fuzzer's input are used: options and cuts first, what is left is the stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace fuzz {

/// Ends the program, so that the fuzzer keeps the input. Holds in release builds too.
inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

class input {
 public:
  input(const std::uint8_t* data, std::size_t size)
      : rest_(reinterpret_cast<const char*>(data), size) {}

  /// The next byte, 0 behind the end.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }

  /// The sizes of the pieces into which the stream is cut, from 1 to 8 bytes; used again and again
  /// from the first.
  std::vector<std::size_t> piece_sizes() {
    std::vector<std::size_t> sizes(1 + byte() % 8);
    for (std::size_t& size : sizes) size = byte();
    if (std::ranges::count(sizes, 0u) == std::ssize(sizes)) sizes.push_back(1);
    return sizes;
  }

  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// Calls `feed` with the pieces of `stream`. Each lies in memory of exactly its size that is freed
/// after the call, so that AddressSanitizer sees a reader that looks beyond its chunk or keeps a
/// view of it.
template <class Feed>
void for_each_piece(std::string_view stream, const std::vector<std::size_t>& sizes, Feed feed) {
  for (std::size_t at = 0, turn = 0; at < stream.size(); ++turn) {
    const std::size_t size = std::min(sizes[turn % sizes.size()], stream.size() - at);
    const auto piece = std::make_unique<char[]>(size);
    if (size != 0) std::memcpy(piece.get(), stream.data() + at, size);
    feed(std::string_view(piece.get(), size));
    at += size;
  }
}

}  // namespace fuzz
