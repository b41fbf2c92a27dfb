// sim_seeds: runs seeds of the simulated world.
//
//   sim_seeds --seeds N [--from S]     N seeds from S on; a failing one is printed and made shorter
//             [--replays R]            the first R of them twice, for the same trace
//             [--first]                no further than the first that fails, which is left as it is
//   sim_seeds --seed S [--trace]       one seed, with every moment of it on standard output
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "campaign.hpp"

namespace {

using namespace myra;
using namespace myra::simtest;

struct request {
  std::uint64_t seeds = 0;
  std::uint64_t from = 1;
  std::uint64_t seed = 0;
  std::uint64_t replays = 0;
  bool trace = false;
  bool first = false;
};

int usage() {
  std::fputs("usage: sim_seeds --seeds N [--from S] [--replays R] [--first] | --seed S [--trace]\n",
             stderr);
  return 2;
}

bool number(const char* text, std::uint64_t& into) {
  const char* end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, into);
  return error == std::errc{} && stopped == end;
}

bool parse(int count, char** words, request& into) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--trace") {
      into.trace = true;
      continue;
    }
    if (word == "--first") {
      into.first = true;
      continue;
    }
    if (i + 1 == count) return false;
    std::uint64_t* target = word == "--seeds"     ? &into.seeds
                            : word == "--from"    ? &into.from
                            : word == "--seed"    ? &into.seed
                            : word == "--replays" ? &into.replays
                                                  : nullptr;
    if (target == nullptr || !number(words[++i], *target)) return false;
  }
  return (into.seeds != 0) != (into.seed != 0);
}

int run_one(const request& asked) {
  const seed_report made = run_seed({.seed = asked.seed, .keep_all = asked.trace});
  if (asked.trace) std::fwrite(made.trace.data(), 1, made.trace.size(), stdout);
  std::fprintf(stderr, "seed %lu: %s, %lu connections, %lu completions, hash %016lx\n%s",
               asked.seed, made.passed ? "passed" : "FAILED", made.connections, made.completions,
               made.hash, made.story.c_str());
  return made.passed ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  request asked;
  if (!parse(count, words, asked)) return usage();
  if (asked.seed != 0) return run_one(asked);
  return run_campaign({.from = asked.from,
                       .count = asked.seeds,
                       .replays = asked.replays,
                       .first_only = asked.first});
}
