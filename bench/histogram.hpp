// Latencies in buckets: 64 to each power of two, so that a quantile is right to 1.6 %.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace myra::bench {

class histogram {
 public:
  void add(std::uint64_t nanoseconds, std::uint64_t times = 1) {
    counts_[bucket_of(nanoseconds)] += times;
    total_ += times;
  }

  /// The value below which the given part (0 to 1) of all lies, in microseconds; 0 when empty.
  double quantile_us(double part) const {
    const auto wanted = static_cast<std::uint64_t>(part * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts_.size(); ++bucket) {
      seen += counts_[bucket];
      if (seen > wanted) return middle_of(bucket) / 1000.0;
    }
    return 0;
  }

 private:
  static constexpr unsigned fine_bits = 6;
  static constexpr std::uint64_t fine = 1U << fine_bits;

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < fine) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - 1 - fine_bits;
    return (shift + 1) * fine + (value >> shift) - fine;
  }

  static double middle_of(std::size_t bucket) {
    if (bucket < fine) return static_cast<double>(bucket);
    const std::size_t shift = bucket / fine - 1;
    const std::uint64_t width = std::uint64_t{1} << shift;
    return static_cast<double>((bucket % fine + fine) * width) + static_cast<double>(width) / 2;
  }

  std::array<std::uint64_t, (64 - fine_bits + 1) * fine> counts_{};
  std::uint64_t total_ = 0;
};

}  // namespace myra::bench
