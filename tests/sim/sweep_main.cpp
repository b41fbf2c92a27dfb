// sim_sweep: fails each operation of each scenario with each errno, once and for ever.
//
//   sim_sweep [--every N] [NAME...]     all scenarios or those; only each N-th operation
//   sim_sweep NAME --at K --error E [--for-ever]     one run, with its story
#include <sys/mman.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

#include "campaign.hpp"
#include "shrink.hpp"
#include "sweep.hpp"

namespace {

using namespace myra;
using namespace myra::simtest;

struct request {
  std::vector<std::size_t> scenarios;
  std::uint64_t every = 1;
  std::uint64_t at = 0;
  std::uint64_t error = 0;
  bool for_ever = false;
};

/// What a child that may end at any time leaves to its parent.
struct tally {
  sim::failure at;  ///< The run under way.
  std::uint64_t operations = 0;
  std::uint64_t runs = 0;
  std::uint64_t struck = 0;
  std::uint64_t served = 0;  ///< Runs in which no client was harmed.
  std::uint64_t harmed = 0;  ///< Runs in which one was.
};

constexpr int wrong_max = 5;

int usage() {
  std::fputs(
      "usage: sim_sweep [--every N] [NAME...] | NAME --at K --error E [--for-ever]\nscenarios:",
      stderr);
  for (const std::string& each : sweep_scenarios()) std::fprintf(stderr, " %s", each.c_str());
  std::fputs("\n", stderr);
  return 2;
}

bool number(const char* text, std::uint64_t& into) {
  const char* end = text + std::strlen(text);
  const auto [stopped, error] = std::from_chars(text, end, into);
  return error == std::errc{} && stopped == end && into != 0;
}

bool parse(int count, char** words, request& into) {
  const std::vector<std::string>& names = sweep_scenarios();
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (const auto named = std::ranges::find(names, word); named != names.end()) {
      into.scenarios.push_back(static_cast<std::size_t>(named - names.begin()));
      continue;
    }
    if (word == "--for-ever") {
      into.for_ever = true;
      continue;
    }
    std::uint64_t* target = word == "--every"   ? &into.every
                            : word == "--at"    ? &into.at
                            : word == "--error" ? &into.error
                                                : nullptr;
    if (target == nullptr || ++i == count) return false;
    if (!number(words[i], *target)) return false;
  }
  if (into.at != 0) return into.scenarios.size() == 1 && into.error != 0;
  if (into.scenarios.empty())
    for (std::size_t i = 0; i < names.size(); ++i) into.scenarios.push_back(i);
  return true;
}

/// The next one, in the order in which they are gone through; false: that was the last.
bool advance(sim::failure& at, const request& asked, std::uint64_t operations) {
  const std::vector<int>& errors = sweep_errors();
  if (!at.for_ever) return at.for_ever = true;
  at.for_ever = false;
  auto next = std::ranges::find(errors, at.error);
  if (++next != errors.end()) return at.error = *next, true;
  at.error = errors.front();
  at.ordinal += asked.every;
  return at.ordinal <= operations;
}

void print(std::size_t scenario, const sim::failure& at, const char* what) {
  std::printf("FAILED: %s; again: sim_sweep %s --at %lu --error %d%s\n", what,
              sweep_scenarios()[scenario].c_str(), at.ordinal, at.error,
              at.for_ever ? " --for-ever" : "");
}

/// From `shared.at` on; ends the process with 1 at the first run that is wrong.
void run_rest(std::size_t scenario, const request& asked, tally& shared) {
  do {
    const sweep_outcome made = run_swept(scenario, shared.at);
    ++shared.runs;
    if (made.struck) ++shared.struck;
    ++(made.clients_failed == 0 ? shared.served : shared.harmed);
    if (made.wrong.empty()) continue;
    print(scenario, shared.at, made.wrong.c_str());
    std::fputs(made.story.c_str(), stderr);
    std::exit(1);
  } while (advance(shared.at, asked, shared.operations));
}

/// How many runs were wrong.
int sweep(std::size_t scenario, const request& asked, tally& shared) {
  const auto began = std::chrono::steady_clock::now();
  shared = {};
  const sweep_outcome clean = run_swept(scenario, {});
  shared.operations = clean.operations;
  if (!clean.wrong.empty() || clean.operations < sweep_operation_min) {
    std::printf("FAILED: %s with nothing failing: %s, %lu operations\n",
                sweep_scenarios()[scenario].c_str(), clean.wrong.c_str(), clean.operations);
    return 1;
  }
  // Each scenario begins elsewhere, so that a short sweep sees different places.
  shared.at = {.ordinal = 1 + scenario % asked.every, .error = sweep_errors().front()};
  int wrong = 0;
  while (run_child([&] { run_rest(scenario, asked, shared); }) != 0) {
    print(scenario, shared.at, "a run came to a bad end");
    if (++wrong == wrong_max || !advance(shared.at, asked, shared.operations)) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf(
      "%-18s %5lu operations %7lu runs %7lu struck %7lu unharmed %7lu one harmed %3d wrong %6.1f "
      "s\n",
      sweep_scenarios()[scenario].c_str(), shared.operations, shared.runs, shared.struck,
      shared.served, shared.harmed, wrong, took.count());
  return wrong;
}

int run_one(const request& asked) {
  const sweep_outcome made = run_swept(
      asked.scenarios.front(),
      {.ordinal = asked.at, .error = static_cast<int>(asked.error), .for_ever = asked.for_ever});
  std::printf("%d clients harmed; %s\n%s", made.clients_failed,
              made.wrong.empty() ? "as it should be" : made.wrong.c_str(), made.story.c_str());
  return made.wrong.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  request asked;
  if (!parse(count, words, asked)) return usage();
  if (asked.at != 0) return run_one(asked);
  void* memory =
      ::mmap(nullptr, sizeof(tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("sim_sweep: shared memory");
    return 2;
  }
  auto& shared = *new (memory) tally;
  int wrong = 0;
  for (const std::size_t each : asked.scenarios) wrong += sweep(each, asked, shared);
  std::printf("%d wrong\n", wrong);
  return wrong == 0 ? 0 : 1;
}
