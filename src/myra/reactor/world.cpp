#include "myra/reactor/world.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <exception>
#include <system_error>

#include "myra/io/sim/sim_backend.hpp"
#include "myra/reactor/async.hpp"

namespace myra::sim {
namespace {

io::sim_backend& backend_of(reactor& on) {
  return static_cast<io::sim_backend&>(on.internals().backend());
}

task<void> watched(task<void> body, std::function<void(const char*)> failed,
                   std::function<void()> ended) {
  try {
    co_await std::move(body);
  } catch (const std::exception& thrown) {
    failed(thrown.what());
  } catch (...) {
    failed("something that is no std::exception");
  }
  ended();
}

}  // namespace

host::host(world& of, sim::machine& on, const reactor_options& options) : world_(of), machine_(on) {
  reactor_options own = options;
  own.source = &on;
  auto opened = reactor::open(own);
  if (!opened) throw std::system_error(opened.error().code, opened.error().what);
  reactor_ = std::make_unique<myra::reactor>(std::move(*opened));
  backend_of(*reactor_).on_ready([this] { go_on(); });
  reactor_->internals().begin_turns();
}

host::~host() { end(); }

std::string host::address(std::uint16_t port) const {
  const unsigned number = machine_.number();
  return "10.0." + std::to_string(number / 256) + "." + std::to_string(number % 256) + ":" +
         std::to_string(port);
}

void host::begin(std::move_only_function<void()> body) {
  const auto status = reactor_->post([this, body = std::move(body)]() mutable noexcept {
    try {
      body();
    } catch (const std::exception& thrown) {
      world_.fail(name() + ": " + thrown.what());
    }
  });
  if (status != post_status::accepted) world_.fail(name() + ": too many bodies at a time");
}

void host::expect_one() noexcept {
  ++world_.running_;
  world_.waited_for_ = true;
}

void host::watch(task<void> body) {
  spawn(*reactor_,
        watched(
            std::move(body), [this](const char* why) { world_.fail(name() + ": " + why); },
            [this] { --world_.running_; }));
}

void host::sleep() {
  asleep_ = true;
  backend_of(*reactor_).begin_sleep(reactor_->internals().before_wait(never));
}

void host::go_on() {
  reactor_->internals().after_wait();
  sleep();
}

void host::end() {
  if (!reactor_) return;
  kept_.clear();
  backend_of(*reactor_).on_ready(nullptr);
  reactor_.reset();
  if (machine_.open_descriptor_count() != 0)
    world_.fail(name() + ": " + std::to_string(machine_.open_descriptor_count()) +
                " descriptors were not closed");
}

reactor_options world_options::small_reactor() {
  reactor_options made;
  made.pool.slot_size_bytes = 4096;
  made.pool.slot_count_initial = 64;
  made.pool.slot_count_max = 256;
  made.receive_buffer_count = 32;
  made.submission_entries = 64;
  made.completion_entries = 256;
  made.stall_threshold = duration::zero();  // clocks jump, and nobody is to blame
  return made;
}

world::world(const world_options& options)
    : options_(options), simulation_(options.seed, options.faults) {}

world::~world() { static_cast<void>(end()); }

host& world::host(std::string_view name) { return host(name, options_.reactor); }

host& world::host(std::string_view name, const reactor_options& options) {
  for (const auto& each : hosts_)
    if (each->name() == name) return *each;
  machine& on = simulation_.add_machine(std::string(name));
  hosts_.push_back(std::make_unique<sim::host>(*this, on, options));
  return *hosts_.back();
}

bool world::run_until_idle(const run_options& options) {
  const time_point end = after(now(), options.virtual_time);
  for (const auto& each : hosts_) each->sleep();
  while (sound()) {
    if (waited_for_ && running_ == 0) return true;
    if (simulation_.next() > end) break;
    if (!simulation_.step()) break;
  }
  if (sound() && running_ != 0)
    fail(simulation_.next() == never
             ? "nothing is left that could happen, and " + std::to_string(running_) + " still wait"
             : "the virtual time is over, and " + std::to_string(running_) + " still run");
  return sound();
}

bool world::end() {
  for (const auto& each : hosts_) each->end();
  return sound();
}

std::string world::story(std::size_t moments_max) const {
  std::string told = "seed " + std::to_string(options_.seed) + "\n";
  for (const std::string& each : failures_) told += "FAILED  " + each + "\n";
  for (const std::string& each : simulation_.complaints()) told += "BROKEN PROMISE  " + each + "\n";
  auto& inside = const_cast<simulation&>(simulation_);
  for (std::size_t i = 0; i < fault_count; ++i) {
    const auto kind = static_cast<fault>(i);
    if (inside.plan().count(kind) == 0) continue;
    told += "fault   " + std::string(name_of(kind)) + ": " +
            std::to_string(inside.plan().count(kind)) + "\n";
  }
  const auto& kept = inside.history().kept();
  const std::size_t first = kept.size() > moments_max ? kept.size() - moments_max : 0;
  for (std::size_t i = first; i < kept.size(); ++i) told += simulation_.in_words(kept[i]) + "\n";
  return told;
}

}  // namespace myra::sim
