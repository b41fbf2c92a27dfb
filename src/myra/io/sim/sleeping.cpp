// How a simulated reactor waits: by letting the rest of the world happen.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {
namespace {

using sim::event;
using sim::fault;

/// What a turn takes, so that a loop which never sleeps gets on as well.
constexpr duration turn_time = std::chrono::microseconds(1);

/// A loop that makes so many turns in so much time has no reason to: it spins.
constexpr duration spin_window = std::chrono::milliseconds(50);
constexpr unsigned spin_turn_count = 30'000;

}  // namespace

result<void> sim_backend::wait(time_point deadline, time_point) noexcept {
  ++counters_.waits;
  asleep_ = false;
  enter();
  run_world(deadline);
  if (strikes(fault::stopped_machine)) {
    const time_point until = world_.now() + stop();
    while (world_.next() <= until) world_.step();
    world_.advance(until);
  }
  after_sleep();
  return {};
}

void sim_backend::run_world(time_point deadline) noexcept {
  const duration lead = machine_.clock_lead();
  time_point until = deadline == never ? never : deadline - lead;
  const bool passes = deadline == time_point{} || pending() || awake();
  if (passes) until = world_.now() + turn_time;
  if (!passes && strikes(fault::spurious_wake))
    until = std::min(until, world_.now() + std::chrono::microseconds(chance_.below(1000)));
  while (passes || !awake()) {
    if (!real_polls_.empty() && look_at_real_polls(0)) return;
    if (world_.keeps_pace() && keep_pace(std::min(until, world_.next()))) continue;
    if (world_.next() <= until && world_.step()) continue;
    if (until != never) return world_.advance(until);
    // Nothing is left that could happen in the world: only another thread can end this.
    static_cast<void>(sleep_for_real(-1));
  }
}

/// Lets as much time go by in the real world. Whether it was cut short.
bool sim_backend::keep_pace(time_point until) noexcept {
  if (until == never || until - world_.now() < std::chrono::milliseconds(1)) return false;
  const auto time = std::chrono::ceil<std::chrono::milliseconds>(until - world_.now());
  const time_point began = clock::now();
  const bool woken = sleep_for_real(static_cast<int>(time.count()));
  if (woken) world_.advance(std::min(until, world_.now() + (clock::now() - began)));
  return woken;
}

/// Until another thread wakes this loop or a real descriptor has something, at most so long; -1:
/// without limit. Whether it was woken.
bool sim_backend::sleep_for_real(int time_ms) noexcept {
  blocked_.store(true, std::memory_order_seq_cst);
  if (!woken_.load(std::memory_order_seq_cst)) static_cast<void>(look_at_real_polls(time_ms));
  blocked_.store(false, std::memory_order_relaxed);
  std::uint64_t count = 0;
  [[maybe_unused]] const auto taken = ::read(wake_descriptor_, &count, sizeof count);
  return awake();
}

void sim_backend::wake() noexcept {
  woken_.store(true, std::memory_order_seq_cst);
  world_.note_wake();
  if (!blocked_.load(std::memory_order_seq_cst) && !shown_.load(std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto told = ::write(wake_descriptor_, &one, sizeof one);
}

int sim_backend::descriptor() const noexcept {
  shown_.store(true, std::memory_order_seq_cst);  // before the look at what has woken it
  show_whether_ready();
  return wake_descriptor_;
}

void sim_backend::show_whether_ready() const noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto taken = ::read(wake_descriptor_, &count, sizeof count);
  if (world_.next() == never && !pending() && !awake()) return;
  count = 1;
  [[maybe_unused]] const auto told = ::write(wake_descriptor_, &count, sizeof count);
}

void sim_backend::after_sleep() noexcept {
  if (woken_.exchange(false, std::memory_order_acq_rel)) ++counters_.wakes;
  world_.note(event::woken, machine_, static_cast<std::int64_t>(queue_.size()));
  if (!strikes(fault::clock_jump)) return;
  const duration ahead = std::chrono::milliseconds(1 + chance_.below(2000));
  world_.note(event::jumped, machine_, ahead.count());
  machine_.jump(ahead);
}

/// For how long the machine stands still now.
duration sim_backend::stop() noexcept {
  const duration still = std::chrono::milliseconds(1 + chance_.below(300));
  world_.note(event::stopped, machine_, still.count());
  return still;
}

void sim_backend::begin_sleep(time_point deadline) {
  ++counters_.waits;
  look_for_spin();
  enter();
  asleep_ = true;
  ++sleep_count_;
  if (deadline == time_point{} || pending() || awake()) return go_on_at(world_.now() + turn_time);
  if (strikes(fault::spurious_wake))
    go_on_at(world_.now() + std::chrono::microseconds(chance_.below(1000)));
  if (deadline != never) go_on_at(deadline - machine_.clock_lead());
}

void sim_backend::look_for_spin() {
  if (world_.now() - window_ > spin_window) {
    window_ = world_.now();
    turn_count_ = 0;
  }
  if (++turn_count_ == spin_turn_count) world_.complain(machine_, "the loop spins");
}

void sim_backend::attend() {
  if (asleep_ && awake()) go_on_at(world_.now() + turn_time);
}

void sim_backend::go_on_at(time_point when) noexcept {
  world_.at(when, &on_go_on, nullptr, std::uint64_t{serial_} << 32 | sleep_count_);
}

void sim_backend::on_go_on(sim::simulation& world, const sim::appointment& due) {
  sim_backend* self = find(world, due.value >> 32);
  if (self == nullptr || !self->asleep_) return;
  if (self->sleep_count_ != static_cast<std::uint32_t>(due.value)) return;
  if (world.now() < self->stopped_until_) return;
  if (self->strikes(fault::stopped_machine)) {
    self->stopped_until_ = world.now() + self->stop();
    return self->go_on_at(self->stopped_until_);
  }
  self->asleep_ = false;
  self->after_sleep();
  self->driver_();
}

}  // namespace myra::io
