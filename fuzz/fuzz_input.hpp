// How the bytes of a fuzzer's input are used: options and cuts first, what is left is the stream.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#define FUZZ_WITH_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FUZZ_WITH_ADDRESS_SANITIZER
#endif
#endif
#ifdef FUZZ_WITH_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

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

/// Numbers and texts in a row, in one piece of memory: what is compared is not to cost more than
/// what is tested.
class record {
 public:
  void add(std::uint32_t number) {
    all_.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  void add(std::string_view text) {
    add(static_cast<std::uint32_t>(text.size()));
    all_ += text;
  }
  [[nodiscard]] bool starts_with(const record& other) const { return all_.starts_with(other.all_); }
  friend bool operator==(const record&, const record&) = default;

  /// Goes through what was added, in order.
  class reader {
   public:
    explicit reader(const record& from) : rest_(from.all_) {}
    [[nodiscard]] bool empty() const { return rest_.empty(); }
    std::uint32_t number() {
      std::uint32_t taken = 0;
      std::memcpy(&taken, rest_.data(), sizeof taken);
      rest_.remove_prefix(sizeof taken);
      return taken;
    }
    std::string_view text() {
      const std::uint32_t size = number();
      const std::string_view taken = rest_.substr(0, size);
      rest_.remove_prefix(taken.size());
      return taken;
    }

   private:
    std::string_view rest_;
  };

 private:
  std::string all_;
};

/// Places for pieces, one behind the other with a gap between them. AddressSanitizer sees who looks
/// beyond a piece, or at one that is not lent any more; without it such a view sees other bytes.
/// One allocation for all of them, which fuzzes several times as fast as one for each.
class lent_memory {
  static constexpr std::size_t grain = 8;  // AddressSanitizer's
  static constexpr std::size_t room_for(std::size_t size) {
    return (size + grain - 1) / grain * grain + grain;
  }

 public:
  lent_memory(std::size_t size, std::size_t piece_count)
      : memory_(new char[size + piece_count * 2 * grain]), next_(memory_.get()) {
    forbid(memory_.get(), size + piece_count * 2 * grain);
  }

  /// Calls `feed` with a copy of `piece`.
  template <class Feed>
  void lend(std::string_view piece, Feed& feed) {
    char* const copy = next_;
    next_ += room_for(piece.size());
    allow(copy, piece.size());
    if (!piece.empty()) std::memcpy(copy, piece.data(), piece.size());
    feed(std::string_view(copy, piece.size()));
    std::memset(copy, 0xdd, piece.size());
    forbid(copy, piece.size());
  }

 private:
#ifdef FUZZ_WITH_ADDRESS_SANITIZER
  static void allow(char* from, std::size_t size) { __asan_unpoison_memory_region(from, size); }
  static void forbid(char* from, std::size_t size) { __asan_poison_memory_region(from, size); }
#else
  static void allow(char*, std::size_t) {}
  static void forbid(char*, std::size_t) {}
#endif

  std::unique_ptr<char[]> memory_;
  char* next_;
};

/// Calls `feed` with the pieces of `stream`, each of which is lent for the call. Behind the first
/// hundred, what is left is one piece.
template <class Feed>
void for_each_piece(std::string_view stream, const std::vector<std::size_t>& sizes, Feed feed) {
  constexpr std::size_t piece_count_max = 100;
  std::vector<std::string_view> pieces;
  pieces.reserve(piece_count_max + 1);
  for (std::size_t at = 0; at < stream.size(); at += pieces.back().size())
    pieces.push_back(pieces.size() < piece_count_max
                         ? stream.substr(at, sizes[pieces.size() % sizes.size()])
                         : stream.substr(at));
  lent_memory memory(stream.size(), pieces.size());
  for (const std::string_view piece : pieces) memory.lend(piece, feed);
}

}  // namespace fuzz
