#include "myra/io/sim/simulation.hpp"

#include <utility>

#include "myra/io/sim/sim_backend.hpp"

namespace myra::sim {

simulation::simulation(std::uint64_t seed, const faults& rates)
    : seed_(mix(seed)), start_(timeline_.now()), plan_(seed_, rates) {}

simulation::~simulation() = default;

machine& simulation::add_machine(std::string name) {
  const auto number = static_cast<unsigned>(machines_.size()) + 1;
  machines_.push_back(std::make_unique<machine>(*this, std::move(name), number));
  return *machines_.back();
}

void simulation::at(time_point when, appointed act, socket* on, std::uint64_t value) {
  if (on != nullptr) ++on->appointments;
  timeline_.add({.at = when, .act = act, .on = on, .value = value});
}

void simulation::call_at(time_point when, std::function<void()> call) {
  calls_.emplace(++call_count_, std::move(call));
  at(when, &on_call, nullptr, call_count_);
}

void simulation::on_call(simulation& world, const appointment& due) {
  auto node = world.calls_.extract(due.value);
  node.mapped()();
}

bool simulation::step() {
  if (woken_.exchange(false, std::memory_order_acq_rel)) attend_wakes();
  if (timeline_.empty()) return false;
  const appointment due = timeline_.take();
  due.act(*this, due);
  if (due.on != nullptr) {
    --due.on->appointments;
    free_if_done(*due.on);
  }
  return true;
}

void simulation::attend_wakes() {
  for (const auto& each : machines_)
    for (io::sim_backend* backend : each->backends()) backend->attend();
}

bool simulation::strikes(fault kind, const socket& at) {
  // Counting is not a change of the socket that anybody could see.
  return strikes(kind, const_cast<socket&>(at).site, *at.on, at.number);
}

bool simulation::strikes(fault kind, fault_site& at, const machine& on, std::uint32_t socket) {
  if (!plan_.strikes(kind, at)) return false;
  trace_.add({.time_ns = now().time_since_epoch().count(),
              .value = static_cast<std::int64_t>(kind),
              .socket = socket,
              .machine = static_cast<std::uint16_t>(on.number()),
              .what = event::struck});
  return true;
}

void simulation::note(event what, const socket& on, std::int64_t value, std::int64_t extra) {
  trace_.add({.time_ns = now().time_since_epoch().count(),
              .value = value,
              .extra = extra,
              .socket = on.number,
              .machine = static_cast<std::uint16_t>(on.on->number()),
              .what = what});
}

void simulation::note(event what, const machine& on, std::int64_t value, std::int64_t extra) {
  trace_.add({.time_ns = now().time_since_epoch().count(),
              .value = value,
              .extra = extra,
              .machine = static_cast<std::uint16_t>(on.number()),
              .what = what});
}

void simulation::complain(const machine& on, std::string_view words) {
  note(event::complaint, on);
  constexpr std::size_t complaint_max = 100;
  if (complaints_.size() < complaint_max)
    complaints_.push_back(on.name() + ": " + std::string(words));
}

std::string simulation::in_words(const moment& happened) const {
  std::vector<std::string> names{"?"};
  for (const auto& each : machines_) names.push_back(each->name());
  return sim::in_words(happened, start_, names);
}

void simulation::free_if_done(socket& ended) noexcept {
  const auto done = [](const socket& each) { return each.closed && each.appointments == 0; };
  if (!done(ended)) return;
  socket* other = ended.other;
  if (other != nullptr) {
    if (!done(*other)) return;
    free(*other);
  }
  free(ended);
}

void simulation::free(socket& ended) noexcept {
  const std::size_t index = ended.index;
  std::swap(sockets_[index], sockets_.back());
  sockets_[index]->index = index;
  sockets_.pop_back();
}

}  // namespace myra::sim
