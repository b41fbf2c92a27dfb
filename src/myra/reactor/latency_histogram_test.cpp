#include "myra/reactor/latency_histogram.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>

namespace {

using myra::latency_buckets;
using myra::latency_histogram;
using std::chrono::nanoseconds;

TEST(LatencyBuckets, FollowEachOtherWithoutAGapAndHoldTheirBound) {
  std::uint64_t before = 0;
  for (std::size_t i = 0; i < latency_buckets::count; ++i) {
    const std::uint64_t bound = latency_buckets::bound_ns(i);
    ASSERT_GT(bound, before);
    ASSERT_EQ(latency_buckets::index_of(bound), i);
    ASSERT_EQ(latency_buckets::index_of(before + 1), i);
    before = bound;
  }
  EXPECT_EQ(before, std::uint64_t{1} << latency_buckets::longest_bits);
}

TEST(LatencyBuckets, AreNoWiderThanASixteenthOfWhatTheyHold) {
  for (std::size_t i = 16; i < latency_buckets::count; ++i) {
    const std::uint64_t bound = latency_buckets::bound_ns(i);
    const std::uint64_t width = bound - latency_buckets::bound_ns(i - 1);
    ASSERT_LE(width * 16, bound) << i;
  }
}

TEST(LatencyBuckets, EveryPowerOfTwoIsABound) {
  for (unsigned bits = 0; bits <= latency_buckets::longest_bits; ++bits) {
    const std::uint64_t power = std::uint64_t{1} << bits;
    ASSERT_EQ(latency_buckets::bound_ns(latency_buckets::index_of(power)), power);
  }
}

TEST(LatencyBuckets, TheEndsTakeWhatLiesBeyond) {
  EXPECT_EQ(latency_buckets::index_of(0), 0U);
  EXPECT_EQ(latency_buckets::index_of(std::numeric_limits<std::uint64_t>::max()),
            latency_buckets::count - 1);
}

TEST(LatencyHistogram, CountsAndSums) {
  latency_histogram made;
  for (const int ns : {1000, 1024, 1025, 5000}) made.add(nanoseconds(ns));
  const auto read = made.read();
  EXPECT_EQ(read.count, 4U);
  EXPECT_EQ(read.sum_ns, 8049U);
  EXPECT_EQ(read.count_up_to(512), 0U);
  EXPECT_EQ(read.count_up_to(1024), 2U);
  EXPECT_EQ(read.count_up_to(2048), 3U);
  EXPECT_EQ(read.count_up_to(8192), 4U);
}

TEST(LatencyHistogram, QuantilesAreTheBoundOfTheBucketThatHasThem) {
  latency_histogram made;
  EXPECT_EQ(made.read().quantile_ns(0.5), 0U);
  for (int i = 0; i < 99; ++i) made.add(nanoseconds(100));
  made.add(nanoseconds(1'000'000));
  const auto read = made.read();
  EXPECT_GE(read.quantile_ns(0.5), 100U);
  EXPECT_LE(read.quantile_ns(0.5), 107U);
  EXPECT_LE(read.quantile_ns(0.99), 107U);
  EXPECT_GE(read.quantile_ns(1), 1'000'000U);
  EXPECT_LE(read.quantile_ns(1), 1'062'500U);
}

TEST(LatencyHistogram, AClockThatStoodStillIsCounted) {
  latency_histogram made;
  made.add(nanoseconds(0));
  EXPECT_EQ(made.read().count, 1U);
}

TEST(LatencySnapshot, AddsUp) {
  latency_histogram one;
  latency_histogram other;
  one.add(nanoseconds(10));
  other.add(nanoseconds(1000));
  auto sum = one.read();
  sum.add(other.read());
  EXPECT_EQ(sum.count, 2U);
  EXPECT_EQ(sum.sum_ns, 1010U);
  EXPECT_EQ(sum.count_up_to(16), 1U);
}

}  // namespace
