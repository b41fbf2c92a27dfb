// Durations in buckets, for as long as a program runs: a fixed array, plain loads and stores.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "myra/core/clock.hpp"

namespace myra {

/// The buckets of a histogram: 16 to each power of two, as in HdrHistogram, so that a bucket's
/// bounds lie at most 1/16 of its value apart. Bucket 0 holds up to 1 ns; the last bucket also what
/// is longer than its end, 2^40 ns (18 minutes).
struct latency_buckets {
  static constexpr unsigned fine_bits = 4;
  static constexpr unsigned longest_bits = 40;
  static constexpr std::size_t count = (longest_bits - fine_bits + 1) << fine_bits;

  /// A bucket holds durations above the one before's bound, and up to its own.
  [[nodiscard]] static constexpr std::size_t index_of(std::uint64_t ns) noexcept {
    const std::uint64_t below = ns == 0 ? 0 : ns - 1;
    constexpr std::uint64_t fine = 1U << fine_bits;
    if (below < fine) return static_cast<std::size_t>(below);
    const unsigned shift = static_cast<unsigned>(std::bit_width(below)) - 1 - fine_bits;
    const auto index = static_cast<std::size_t>((shift << fine_bits) + (below >> shift));
    return index < count ? index : count - 1;
  }
  [[nodiscard]] static constexpr std::uint64_t bound_ns(std::size_t index) noexcept {
    constexpr std::uint64_t fine = 1U << fine_bits;
    if (index < fine) return index + 1;
    const std::size_t shift = (index >> fine_bits) - 1;
    return ((index & (fine - 1)) + fine + 1) << shift;
  }
};

/// What a histogram held when it was asked.
struct latency_snapshot {
  std::array<std::uint64_t, latency_buckets::count> counts{};
  std::uint64_t count = 0;   ///< The sum of `counts`.
  std::uint64_t sum_ns = 0;  ///< Of all durations.

  /// How many took `ns` at most. Exact where `ns` is a bucket's bound, as every power of two is.
  [[nodiscard]] std::uint64_t count_up_to(std::uint64_t ns) const noexcept;
  /// The bound of the bucket below which the given part (0 to 1) of all lies; zero when empty.
  [[nodiscard]] std::uint64_t quantile_ns(double part) const noexcept;
  void add(const latency_snapshot& other) noexcept;
};

/// Thread: one adds, any may read. No read-modify-write is atomic: the one who adds is alone.
class latency_histogram {
 public:
  void add(duration lasted) noexcept {
    const auto ns = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(lasted).count());
    grow(counts_[latency_buckets::index_of(ns)], 1);
    grow(sum_ns_, ns);
  }
  [[nodiscard]] latency_snapshot read() const noexcept;

 private:
  static void grow(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
    counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, latency_buckets::count> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

}  // namespace myra
