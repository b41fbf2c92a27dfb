// Encodes and decodes the same messages with the floor, with Myra's codec and with those of others
// that are installed, in turns, and prints what each costs:
//
//   codec-bench sample|big|tick|person|box [ROUNDS]
//       A line a codec and measure: "SET MEASURE CODEC NANOSECONDS RATIO LEAST GREATEST": thread
//       CPU time a message, median of the rounds, and the median of the rounds' ratios to the
//       floor.
//   codec-bench count SET REPEATS
//       Each call so many times over the set, nothing timed: for a profiler that counts.
//   codec-bench count costs REPEATS
//       The same of what verifying costs by its parts.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string_view>
#include <vector>

#include "codec/floor.hpp"
#include "codec/myra_codec.hpp"
#include "codec/order_book.hpp"
#include "codec/peers/peers.hpp"
#include "codec/shapes_floor.hpp"
#include "codec/shapes_myra.hpp"
#include "codec/verify_costs.hpp"

namespace codec_bench {
namespace {

using message = std::vector<std::byte>;
constexpr std::size_t message_size_max = 4096;

template <class Codec, class Book>
constexpr contender<Book> contender_of() {
  contender<Book> made{Codec::name, Codec::encode, Codec::decode, Codec::access};
  if constexpr (requires { Codec::verify; }) made.verify = Codec::verify;
  return made;
}

std::uint64_t sink = 0;  // What was read, so that it is read.

double cpu_nanos() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

enum class measure : std::uint8_t { encode, decode, access, verify };
constexpr std::array measure_names{"encode", "decode", "access", "verify"};

template <class Book>
class comparison {
 public:
  comparison(const char* set, std::vector<Book> books, std::vector<contender<Book>> contenders)
      : set_(set), books_(std::move(books)), contenders_(std::move(contenders)) {}

  /// Whether all read the same from what they wrote.
  bool prepare() {
    for (const contender<Book>& one : contenders_) {
      std::vector<message>& made = messages_.emplace_back();
      for (const Book& book : books_) {
        const byte_run bytes = one.encode(book, memory());
        made.emplace_back(bytes.data, bytes.data + bytes.size);
      }
      for (std::size_t i = 0; i < books_.size(); ++i) {
        const byte_run mine = bytes_of(made[i]);
        const byte_run floor = bytes_of(messages_[0][i]);
        const bool decodes = one.decode(mine) == contenders_[0].decode(floor);
        const bool accesses = one.access(mine) == contenders_[0].access(floor);
        if (decodes && accesses) continue;
        std::fprintf(stderr, "codec-bench: %s: %s reads other values from message %zu\n", set_,
                     one.name, i);
        return false;
      }
    }
    return true;
  }

  void report(int rounds) {
    for (std::size_t i = 0; i < contenders_.size(); ++i) report_size(i);
    for (const measure what : {measure::encode, measure::decode, measure::access, measure::verify})
      time(what, rounds);
  }

  void count(int repeats) {
    for (const measure what :
         {measure::encode, measure::decode, measure::access, measure::verify}) {
      for (std::size_t i = 0; i < contenders_.size(); ++i) {
        for (int repeat = 0; repeat < repeats; ++repeat) pass(what, i);
      }
    }
    std::printf("%s %zu messages\n", set_, books_.size() * static_cast<std::size_t>(repeats));
  }

 private:
  void report_size(std::size_t of) const {
    std::size_t sum = 0;
    for (const message& one : messages_[of]) sum += one.size();
    const double size = static_cast<double>(sum) / static_cast<double>(books_.size());
    std::printf("%s size %s %.1f\n", set_, contenders_[of].name, size);
  }

  /// One pass over the set with one codec.
  void pass(measure what, std::size_t with) {
    const contender<Book>& one = contenders_[with];
    switch (what) {
      case measure::encode:
        for (const Book& book : books_) sink += one.encode(book, memory()).size;
        break;
      case measure::decode: read(one.decode, with); break;
      case measure::access: read(one.access, with); break;
      case measure::verify:
        if (one.verify != nullptr) read(one.verify, with);
        break;
    }
  }
  void read(std::uint64_t (*call)(byte_run), std::size_t with) {
    for (const message& one : messages_[with]) sink += call(bytes_of(one));
  }

  room memory() noexcept { return {memory_.data(), memory_.size()}; }
  static byte_run bytes_of(const message& one) noexcept { return {one.data(), one.size()}; }

  void time(measure what, int rounds) {
    const std::size_t repeats = std::max<std::size_t>(1, 50'000 / books_.size());
    std::vector<std::vector<double>> nanos(contenders_.size());
    std::vector<std::size_t> order(contenders_.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::mt19937 random(1);
    for (int round = 0; round < rounds; ++round) {
      std::ranges::shuffle(order, random);
      for (const std::size_t i : order) {
        const double began = cpu_nanos();
        for (std::size_t repeat = 0; repeat < repeats; ++repeat) pass(what, i);
        nanos[i].push_back((cpu_nanos() - began) / static_cast<double>(books_.size() * repeats));
      }
    }
    for (std::size_t i = 0; i < contenders_.size(); ++i) {
      if (what == measure::verify && contenders_[i].verify == nullptr) continue;
      report_time(what, contenders_[i].name, nanos[i], nanos[0]);
    }
  }

  void report_time(measure what, const char* name, const std::vector<double>& nanos,
                   const std::vector<double>& floor) const {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < nanos.size(); ++i) ratios.push_back(nanos[i] / floor[i]);
    std::printf("%s %s %s %.2f %.3f %.3f %.3f\n", set_,
                measure_names[static_cast<std::size_t>(what)], name, median(nanos), median(ratios),
                *std::ranges::min_element(ratios), *std::ranges::max_element(ratios));
  }

  const char* set_;
  std::vector<Book> books_;
  std::vector<contender<Book>> contenders_;
  std::vector<std::vector<message>> messages_;
  std::array<std::byte, message_size_max> memory_{};
};

struct request {
  bool counts = false;
  int repeats = 41;  ///< Or rounds.
};

template <class Book>
int run(comparison<Book> all, const request& what) {
  if (!all.prepare()) return 1;
  if (what.counts) {
    all.count(what.repeats);
  } else {
    all.report(what.repeats);
  }
  return sink == 1 ? 3 : 0;
}

std::vector<contender<order_book::snapshot>> book_contenders() {
  using book = order_book::snapshot;
  return {
      contender_of<floor_book, book>(),
      contender_of<myra_book, book>(),
#ifdef MYRA_BENCH_FLATBUFFERS
      flatbuffers_contender(),
#endif
#ifdef MYRA_BENCH_CAPNP
      capnp_contender(),
#endif
#ifdef MYRA_BENCH_PROTOBUF
      protobuf_contender(),
#endif
  };
}

template <class Floor, class Myra, class Book>
int run_shape(const char* name, std::vector<Book> books, const request& what) {
  std::vector<contender<Book>> both{contender_of<Floor, Book>(), contender_of<Myra, Book>()};
  return run(comparison<Book>(name, std::move(books), std::move(both)), what);
}

int run_set(std::string_view set, const request& what) {
  using books = comparison<order_book::snapshot>;
  constexpr std::size_t many = 10'000;
  if (set == "sample") return run(books("sample", order_book::sample(), book_contenders()), what);
  if (set == "big") return run(books("big", order_book::generated(many), book_contenders()), what);
  if (set == "tick")
    return run_shape<floor_tick, myra_tick>("tick", bench_plain::ticks(many), what);
  if (set == "person")
    return run_shape<floor_person, myra_person>("person", bench_plain::persons(many), what);
  if (set == "box") return run_shape<floor_box, myra_box>("box", bench_plain::boxes(many), what);
  if (set == "costs" && what.counts) {
    count_verify_costs(what.repeats);
    return 0;
  }
  std::fprintf(stderr,
               "usage: codec-bench [count] sample|big|tick|person|box [ROUNDS]\n"
               "       codec-bench count costs [REPEATS]\n");
  return 2;
}

}  // namespace
}  // namespace codec_bench

int main(int argc, char** argv) {
  std::vector<std::string_view> words(argv + 1, argv + argc);
  codec_bench::request what;
  if (!words.empty() && words[0] == "count") {
    what.counts = true;
    words.erase(words.begin());
  }
  if (words.size() > 1) what.repeats = std::max(1, std::atoi(words[1].data()));
  return codec_bench::run_set(words.empty() ? "" : words[0], what);
}
