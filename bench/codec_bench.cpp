// Encodes and decodes order books with the floor and with Myra's codec, in turns, and prints what
// each costs:
//
//   codec-bench sample|big [ROUNDS]
//
// One line a measure: its name, the bytes or nanoseconds of the floor, and those of Myra. Times are
// thread CPU time a message: the median of the rounds, and of the rounds' ratios.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>
#include <vector>

#include "codec/floor.hpp"
#include "codec/myra_codec.hpp"
#include "codec/order_book.hpp"

namespace codec_bench {
namespace {

using message = std::vector<std::byte>;
constexpr std::size_t message_size_max = 4096;

// Not inlined: each codec is measured as one call, and found by its name in a profile.
[[gnu::noinline]] std::size_t floor_encode(const order_book::snapshot& from, std::byte* to) {
  return floor_codec::encode(from, to);
}
[[gnu::noinline]] std::uint64_t floor_decode(const message& from) {
  return floor_codec::verify(from.data(), from.size()) ? floor_codec::decode(from.data()) : 0;
}
[[gnu::noinline]] std::uint64_t floor_access(const message& from) {
  return floor_codec::verify(from.data(), from.size()) ? floor_codec::access(from.data()) : 0;
}
[[gnu::noinline]] std::size_t myra_encode(const order_book::snapshot& from, std::byte* to) {
  return myra_codec::encode(from, to, message_size_max);
}
[[gnu::noinline]] std::uint64_t myra_decode(const message& from) {
  const auto view = feed::snapshot::verify(from);
  return view ? myra_codec::decode(*view) : 0;
}
[[gnu::noinline]] std::uint64_t myra_access(const message& from) {
  const auto view = feed::snapshot::verify(from);
  return view ? myra_codec::access(*view) : 0;
}

double cpu_nanos() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// Both codecs' bytes of the same books.
struct work {
  std::vector<order_book::snapshot> books;
  std::vector<message> floor;
  std::vector<message> myra;
};

std::uint64_t sink = 0;  // What was read, so that it is read.

template <class Call>
double nanos_a_message(std::size_t count, std::size_t repeats, const Call& call) {
  const double began = cpu_nanos();
  for (std::size_t repeat = 0; repeat < repeats; ++repeat) {
    for (std::size_t i = 0; i < count; ++i) sink += call(i);
  }
  return (cpu_nanos() - began) / static_cast<double>(count * repeats);
}

template <class Floor, class Myra>
void compare(const char* name, std::size_t count, int rounds, const Floor& floor,
             const Myra& myra) {
  const std::size_t repeats = std::max<std::size_t>(1, 50'000 / count);
  std::vector<double> floors;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const double one = nanos_a_message(count, repeats, floor);
    const double other = nanos_a_message(count, repeats, myra);
    floors.push_back(one);
    ratios.push_back(other / one);
  }
  std::printf("%s %.2f ns %.2f ns ratio %.3f (%.3f to %.3f)\n", name, median(floors),
              median(floors) * median(ratios), median(ratios), *std::ranges::min_element(ratios),
              *std::ranges::max_element(ratios));
}

/// Whether both read the same from what they wrote.
bool prepare(work& to) {
  std::array<std::byte, message_size_max> memory;
  for (const order_book::snapshot& one : to.books) {
    const std::size_t floor_size = floor_encode(one, memory.data());
    to.floor.emplace_back(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(floor_size));
    const std::size_t myra_size = myra_encode(one, memory.data());
    to.myra.emplace_back(memory.begin(), memory.begin() + static_cast<std::ptrdiff_t>(myra_size));
    if (floor_decode(to.floor.back()) != myra_decode(to.myra.back())) return false;
    if (floor_access(to.floor.back()) != myra_access(to.myra.back())) return false;
  }
  return true;
}

double average_size(const std::vector<message>& of) {
  std::size_t sum = 0;
  for (const message& one : of) sum += one.size();
  return static_cast<double>(sum) / static_cast<double>(of.size());
}

int run(std::string_view set, int rounds) {
  work all;
  all.books = set == "big" ? order_book::generated(10'000) : order_book::sample();
  if (!prepare(all)) {
    std::fprintf(stderr, "codec-bench: the two codecs read different values\n");
    return 1;
  }
  std::printf("size %.1f bytes %.1f bytes\n", average_size(all.floor), average_size(all.myra));
  std::array<std::byte, message_size_max> memory;
  const std::size_t count = all.books.size();
  compare(
      "encode", count, rounds,
      [&](std::size_t i) { return floor_encode(all.books[i], memory.data()); },
      [&](std::size_t i) { return myra_encode(all.books[i], memory.data()); });
  compare(
      "decode", count, rounds, [&](std::size_t i) { return floor_decode(all.floor[i]); },
      [&](std::size_t i) { return myra_decode(all.myra[i]); });
  compare(
      "access", count, rounds, [&](std::size_t i) { return floor_access(all.floor[i]); },
      [&](std::size_t i) { return myra_access(all.myra[i]); });
  return sink == 1 ? 2 : 0;
}

}  // namespace
}  // namespace codec_bench

int main(int count, char** arguments) {
  const std::string_view set = count > 1 ? arguments[1] : "sample";
  const int rounds = count > 2 ? std::atoi(arguments[2]) : 41;
  if ((set != "sample" && set != "big") || rounds < 1) {
    std::fprintf(stderr, "usage: codec-bench sample|big [ROUNDS]\n");
    return 2;
  }
  return codec_bench::run(set, rounds);
}
