// What goes over simulated connections: bytes, ends, resets.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "myra/io/sim/simulation.hpp"

namespace myra::sim {
namespace {

/// tcp(7), tcp_retries2: how long a sender goes on that hears nothing.
constexpr duration give_up_delay = std::chrono::seconds(924);

}  // namespace

duration simulation::latency(socket& to) {
  if (to.family == AF_UNIX) return std::chrono::microseconds(2);
  return std::chrono::microseconds(20 + to.chance.below(60));
}

/// When something that is sent to `to` now will be there: after all that was sent before.
time_point simulation::arrival(socket& to) {
  time_point when = now() + latency(to);
  if (strikes(fault::slow_segment, to)) when += std::chrono::microseconds(to.chance.below(200'000));
  return to.last_arrival = std::max(when, to.last_arrival);
}

int simulation::take_error(socket& on) noexcept { return -std::exchange(on.error, 0); }

std::int64_t simulation::receive(socket& on, std::byte* to, std::size_t size_max) {
  const std::size_t size = std::min(size_max, on.incoming.arrived());
  if (size != 0 && !on.read_shut) {
    on.incoming.take(to, size);
    if (on.other != nullptr && on.other->wants_room)
      at(now() + latency(*on.other), &on_room, on.other);
    return static_cast<std::int64_t>(size);
  }
  if (on.error != 0) return take_error(on);
  if (on.end_arrived || on.read_shut || on.phase == phase::over) return 0;
  return on.phase == phase::connected ? -EAGAIN : -ENOTCONN;
}

std::int64_t simulation::send(socket& on, byte_view bytes) {
  if (on.error != 0) return take_error(on);
  if (on.write_shut || on.phase == phase::over) return -EPIPE;
  if (on.phase == phase::connecting) return -EAGAIN;
  if (on.phase != phase::connected) return -ENOTCONN;
  const std::size_t size = std::min(bytes.size(), on.room());
  if (size < bytes.size()) on.wants_room = true;
  if (size == 0) return bytes.empty() ? 0 : -EAGAIN;
  socket& to = *on.other;
  to.incoming.push(bytes.first(size));
  if (strikes(fault::half_open, on)) break_link(on);
  if (strikes(fault::reset, on)) {
    at(arrival(on), &on_reset, &on);
    at(arrival(to), &on_reset, &to);
  }
  if (to.cut)
    at(now() + give_up_delay, &on_give_up, &on);
  else
    at(arrival(to), &on_bytes, &to, size);
  return static_cast<std::int64_t>(size);
}

/// From now on nothing arrives at either end.
void simulation::break_link(socket& on) { on.cut = on.other->cut = true; }

void simulation::on_bytes(simulation& world, const appointment& due) {
  socket& to = *due.on;
  const std::size_t size = to.incoming.arrive(static_cast<std::size_t>(due.value));
  if (to.phase == phase::over && !to.closed) return;
  if (to.closed) {
    // Nobody will ever read them (RFC 9293, 3.10.7.1): the answer is a reset.
    if (to.other != nullptr && !to.other->closed && !to.cut) world.reset_other(to);
    return;
  }
  world.note(event::arrived, to, static_cast<std::int64_t>(size));
  if (to.user != nullptr) to.user->readable(to);
}

void simulation::on_end(simulation& world, const appointment& due) {
  socket& to = *due.on;
  if (to.closed || to.phase == phase::over || to.incoming.is_cut_short()) return;
  to.end_arrived = true;
  world.note(event::end_arrived, to);
  if (to.user != nullptr) to.user->readable(to);
}

void simulation::on_reset(simulation& world, const appointment& due) {
  socket& to = *due.on;
  if (to.closed || to.phase == phase::over) return;
  to.phase = phase::over;
  // As tcp_reset() of Linux: a broken pipe when the peer had ended before.
  to.error = to.end_arrived ? EPIPE : ECONNRESET;
  world.note(event::reset_arrived, to);
  if (to.user == nullptr) return;
  to.user->readable(to);
  if (!to.closed) to.user->writable(to);
}

void simulation::on_room(simulation& world, const appointment& due) {
  static_cast<void>(world);
  socket& to = *due.on;
  if (to.closed || !to.wants_room) return;
  to.wants_room = false;
  if (to.user != nullptr) to.user->writable(to);
}

void simulation::on_give_up(simulation& world, const appointment& due) {
  if (!due.on->closed && due.on->phase == phase::connected) world.sever(*due.on, ETIMEDOUT);
}

void simulation::reset_other(socket& from) {
  if (from.other == nullptr || from.other->closed || from.other->cut) return;
  socket& to = *from.other;
  note(event::reset_sent, from);
  // What the peer had no room for was still with the sender, and goes with it (tcp_done() of Linux
  // empties the queue); a Unix socket writes into the peer's.
  if (from.family != AF_UNIX) to.incoming.withdraw_beyond(to.receive_buffer);
  at(arrival(to), &on_reset, &to);
}

void simulation::sever(socket& on, int error) {
  if (on.phase != phase::connected) return;
  reset_other(on);
  on.phase = phase::over;
  on.error = error;
  if (on.user == nullptr) return;
  on.user->readable(on);
  if (!on.closed) on.user->writable(on);
}

int simulation::shutdown(socket& on, int how) {
  if (on.phase == phase::listening || on.phase == phase::fresh) return -ENOTCONN;
  if (on.phase == phase::over) return -ENOTCONN;
  if (how == SHUT_RD || how == SHUT_RDWR) {
    on.read_shut = true;
    if (on.user != nullptr) on.user->readable(on);
  }
  if (how == SHUT_RD || on.write_shut) return 0;
  on.write_shut = true;
  note(event::end_sent, on);
  if (on.phase == phase::connected && !on.other->cut) at(arrival(*on.other), &on_end, on.other);
  return 0;
}

void simulation::close(socket& on) {
  if (on.closed) return;
  if (on.user != nullptr && on.in_flight != 0) on.user->forsaken(on);
  on.user = nullptr;
  on.on->uninstall(on);
  for (socket* each : std::exchange(on.backlog, {})) {
    each->resets_at_close = true;
    close(*each);
  }
  const bool linked = on.other != nullptr && on.phase != phase::over;
  if (linked && (on.resets_at_close || on.incoming.arrived() != 0 || on.phase == phase::connecting))
    reset_other(on);
  else if (linked)
    static_cast<void>(shutdown(on, SHUT_WR));
  on.closed = true;
  // Kept alive over this call by an appointment, so that it is freed in one place.
  at(now(), [](simulation&, const appointment&) {}, &on);
}

}  // namespace myra::sim
