// The checksum that every codec computes from what it read: each scalar and each byte of text goes
// in, so nothing can be skipped, and the same values give the same sum whatever they lay in.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace codec_bench {

class checksum {
 public:
  /// A plain sum: it must cost next to nothing. That values are in their places is tested
  /// elsewhere.
  void add(std::uint64_t value) noexcept { sum_ += value; }

  void add(std::string_view text) noexcept {
    const char* at = text.data();
    std::size_t left = text.size();
    sum_ += left;
    if (left >= 8) {
      for (; left > 8; left -= 8, at += 8) add(word(at));
      return add(word(at + left - 8));
    }
    if (left >= 4) return add(half(at) | static_cast<std::uint64_t>(half(at + left - 4)) << 32);
    if (left == 0) return;
    const auto byte = [at](std::size_t i) {
      return std::uint64_t{static_cast<unsigned char>(at[i])};
    };
    add(byte(0) | byte(left / 2) << 8 | byte(left - 1) << 16);
  }

  [[nodiscard]] std::uint64_t value() const noexcept { return sum_; }

 private:
  static std::uint64_t word(const char* at) noexcept {
    std::uint64_t loaded;
    std::memcpy(&loaded, at, sizeof loaded);
    return loaded;
  }
  static std::uint32_t half(const char* at) noexcept {
    std::uint32_t loaded;
    std::memcpy(&loaded, at, sizeof loaded);
    return loaded;
  }

  std::uint64_t sum_ = 0;
};

}  // namespace codec_bench
