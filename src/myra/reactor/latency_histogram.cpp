#include "myra/reactor/latency_histogram.hpp"

namespace myra {

latency_snapshot latency_histogram::read() const noexcept {
  latency_snapshot now;
  for (std::size_t i = 0; i < now.counts.size(); ++i) {
    now.counts[i] = counts_[i].load(std::memory_order_relaxed);
    now.count += now.counts[i];
  }
  now.sum_ns = sum_ns_.load(std::memory_order_relaxed);
  return now;
}

std::uint64_t latency_snapshot::count_up_to(std::uint64_t ns) const noexcept {
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts.size() && latency_buckets::bound_ns(i) <= ns; ++i)
    seen += counts[i];
  return seen;
}

std::uint64_t latency_snapshot::quantile_ns(double part) const noexcept {
  if (count == 0) return 0;
  const double wanted = part * static_cast<double>(count);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (seen != 0 && static_cast<double>(seen) >= wanted) return latency_buckets::bound_ns(i);
  }
  return latency_buckets::bound_ns(counts.size() - 1);
}

void latency_snapshot::add(const latency_snapshot& other) noexcept {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  count += other.count;
  sum_ns += other.sum_ns;
}

}  // namespace myra
