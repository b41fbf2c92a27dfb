// Polling: the events of a simulated socket, or of a real descriptor such as a signalfd.
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "myra/io/sim/sim_backend.hpp"

namespace myra::io {
namespace {

using sim::fault;

constexpr std::uint32_t always_told = POLLERR | POLLHUP | POLLRDHUP;

std::uint32_t events_of(const sim::socket& on) noexcept {
  std::uint32_t events = 0;
  if (on.has_news()) events |= POLLIN;
  if (on.end_arrived || on.read_shut) events |= POLLRDHUP;
  if (on.error != 0) events |= POLLERR;
  if (on.phase == sim::phase::over || on.phase == sim::phase::fresh) events |= POLLHUP;
  if (on.phase == sim::phase::connected && on.room() != 0) events |= POLLOUT;
  if (on.phase == sim::phase::over) events |= POLLIN | POLLOUT | POLLRDHUP;
  return events;
}

}  // namespace

void sim_backend::start_poll(flight& begun) noexcept {
  if (begun.on == nullptr) {
    real_polls_.push_back(begun.op);
    return;
  }
  begun.on->polls.push_back(begun.op);
  run_polls(*begun.on);
}

void sim_backend::run_polls(sim::socket& on) noexcept {
  const std::vector<operation*> waiting = on.polls;
  for (operation* each : waiting) {
    const auto& poll = static_cast<const poll_operation&>(*each);
    const auto events = static_cast<std::int32_t>(events_of(on) & (poll.events | always_told));
    if (events == 0) continue;
    flight& told = flight_of(*each);
    if (poll.multishot && world_.strikes(fault::double_notice, on) &&
        !complete(told, {.result = events, .more = true}))
      continue;
    complete(told, {.result = events, .more = poll.multishot});
  }
}

/// Asks the real kernel about real descriptors, and about wakes of other threads. Whether one has
/// something.
bool sim_backend::look_at_real_polls(int timeout_ms) noexcept {
  std::vector<pollfd> asked;
  for (const operation* each : real_polls_)
    asked.push_back({each->descriptor.number(),
                     static_cast<short>(static_cast<const poll_operation*>(each)->events), 0});
  asked.push_back({wake_descriptor_, POLLIN, 0});
  if (::poll(asked.data(), asked.size(), timeout_ms) <= 0) return false;
  const std::vector<operation*> waiting = real_polls_;
  bool any = false;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    if (asked[i].revents == 0) continue;
    any = true;
    const bool multishot = static_cast<const poll_operation*>(waiting[i])->multishot;
    complete(flight_of(*waiting[i]), {.result = asked[i].revents, .more = multishot});
  }
  return any;
}

}  // namespace myra::io
