#include "campaign.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>

#include "shrink.hpp"

namespace myra::simtest {
namespace {

constexpr std::uint64_t seeds_for_every_kind = 200;

/// What was going on when the process came to its end, and the code by which the parent knows.
void tell_of_crash(int signal) {
  if (const sim::world* in = running_world())
    std::fprintf(stderr, "signal %d during %s", signal, in->story(30).c_str());
  ::_exit(128 + signal);
}

void replay(const seed_report& first, std::uint64_t seed, progress& shared) {
  const seed_report again = run_seed({.seed = seed});
  if (again.hash != first.hash || again.completions != first.completions) {
    std::fprintf(stderr, "seed %lu leaves another trace the second time: %016lx, then %016lx\n",
                 seed, first.hash, again.hash);
    std::exit(1);
  }
  ++shared.replayed;
}

void run_seeds(const campaign_options& options, std::uint64_t from, progress& shared) {
  for (std::uint64_t seed = from; seed < options.from + options.count; ++seed) {
    shared.seed = seed;
    const seed_report made = run_seed({.seed = seed});
    shared.connections += made.connections;
    shared.completions += made.completions;
    shared.virtual_ns += made.virtual_time.count();
    for (std::size_t i = 0; i < sim::fault_count; ++i) shared.counts[i] += made.counts[i];
    if (!made.passed) {
      std::fprintf(stderr, "%s", made.story.c_str());
      std::exit(1);
    }
    if (seed - options.from < options.replays) replay(made, seed, shared);
    ++shared.passed;
  }
  std::exit(0);
}

int print_sums(const campaign_options& options, const progress& told, double seconds,
               std::uint64_t failed) {
  std::printf(
      "%lu seeds passed, %lu failed; %lu connections, %lu completions, %.1f simulated hours\n",
      told.passed, failed, told.connections, told.completions,
      static_cast<double>(told.virtual_ns) / 3.6e12);
  std::printf("%.1f seeds/s, %.0f completions/s; %lu seeds run twice left the same trace\n",
              static_cast<double>(told.passed) / seconds,
              static_cast<double>(told.completions) / seconds, told.replayed);
  int never = 0;
  for (std::size_t i = 0; i < sim::fault_count; ++i) {
    std::printf("  %-16s %10lu\n", name_of(static_cast<sim::fault>(i)), told.counts[i]);
    if (told.counts[i] == 0) ++never;
  }
  if (never != 0 && options.count >= seeds_for_every_kind) {
    std::printf("FAILED: %d kinds of fault never struck\n", never);
    return 1;
  }
  return failed == 0 ? 0 : 1;
}

}  // namespace

int run_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int fatal : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL})
      std::signal(fatal, tell_of_crash);
    body();
    std::exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_campaign(const campaign_options& options) {
  void* memory =
      ::mmap(nullptr, sizeof(progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("sim_seeds: shared memory");
    return 2;
  }
  auto& shared = *new (memory) progress;
  std::uint64_t failed = 0;
  const auto began = std::chrono::steady_clock::now();
  std::uint64_t from = options.from;
  while (run_child([&] { run_seeds(options, from, shared); }) != 0) {
    ++failed;
    std::printf("FAILED: seed %lu; again: ./dev sim --seed %lu\n", shared.seed, shared.seed);
    if (options.first_only) break;
    make_shorter(shared.seed, shared);
    from = shared.seed + 1;
    if (failed == options.failure_max || from >= options.from + options.count) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const int code = print_sums(options, shared, took.count(), failed);
  ::munmap(memory, sizeof(progress));
  return code;
}

}  // namespace myra::simtest
