// Datagrams of the simulated network: each arrives whole, or not at all.
#include <cassert>
#include <cerrno>
#include <utility>

#include "myra/io/sim/simulation.hpp"

namespace myra::sim {
namespace {

/// What IPv4 and IPv6 carry behind their headers (RFC 768, 791, 8200).
constexpr std::size_t size_max_of(int family) noexcept {
  return family == AF_INET ? 65'507 : 65'527;
}

}  // namespace

int simulation::connect_datagrams(socket& from, const address& to) {
  if (to.family() != from.family) return -EAFNOSUPPORT;
  if (route(from, to) == nullptr && !to.is_silent()) return -ENETUNREACH;
  name_sender(from, to);
  from.remote = to;
  return 0;
}

/// One that was not bound gets an address by which `to` can answer.
void simulation::name_sender(socket& from, const address& to) {
  if (from.local.family() == AF_UNSPEC) {
    from.local = to.is_loopback() ? to : address::of_host(from.family, from.on->number(), 0);
    from.local.set_port(0);
  }
  if (from.local.port() == 0) from.local.set_port(from.on->free_port());
}

/// What the receiver sees: one that is bound to all addresses sends from the one that fits.
address simulation::sender_of(const socket& from, const address& to) {
  if (!from.local.is_any()) return from.local;
  address shown = to.is_loopback() ? to : address::of_host(from.family, from.on->number(), 0);
  shown.set_port(from.local.port());
  return shown;
}

std::int64_t simulation::send_datagram(socket& from, const address& given, byte_view bytes) {
  if (from.error != 0) return take_error(from);
  const address& to = given.family() == AF_UNSPEC ? from.remote : given;
  if (to.family() == AF_UNSPEC) return -EDESTADDRREQ;
  if (to.family() != from.family) return -EAFNOSUPPORT;
  if (bytes.size() > size_max_of(from.family)) return -EMSGSIZE;
  if (to.is_broadcast()) return -EACCES;
  if (route(from, to) == nullptr && !to.is_silent()) return -ENETUNREACH;
  name_sender(from, to);
  const auto size = static_cast<std::int64_t>(bytes.size());
  note(event::sent, from, size, size);
  if (strikes(fault::lost_datagram, from)) return size;
  post(from, to, bytes);
  if (strikes(fault::doubled_datagram, from)) post(from, to, bytes);
  return size;
}

/// Those of one socket arrive in their order, unless one takes longer.
void simulation::post(socket& from, const address& to, byte_view bytes) {
  letters_.emplace(++letter_count_, letter{sender_of(from, to), to, {bytes.begin(), bytes.end()}});
  time_point when = now() + latency(from);
  if (strikes(fault::slow_segment, from))
    when += std::chrono::microseconds(from.chance.below(200'000));
  else
    when = from.last_arrival = std::max(when, from.last_arrival);
  at(when, &on_letter, &from, letter_count_);
}

socket* simulation::find_mailbox(const socket& from, const letter& came) noexcept {
  machine* there = route(from, came.to);
  socket* found = nullptr;
  for (const auto& each : sockets_) {
    if (each->on != there || each->closed || !each->datagrams) continue;
    if (each->family != came.to.family() || each->local.port() != came.to.port()) continue;
    if (!each->local.is_any() && !each->local.same_host(came.to)) continue;
    const bool connected = each->remote.family() != AF_UNSPEC;
    if (!connected && found == nullptr) found = each.get();
    if (connected && each->remote.same_host(came.from) && each->remote.port() == came.from.port())
      return each.get();
  }
  return found;
}

void simulation::on_letter(simulation& world, const appointment& due) {
  socket& from = *due.on;
  letter came = std::move(world.letters_.extract(due.value).mapped());
  if (came.to.is_silent()) return;
  socket* to = world.find_mailbox(from, came);
  if (to == nullptr) return world.at(world.now() + world.latency(from), &on_refused_letter, &from);
  if (to->letter_bytes + came.bytes.size() > to->receive_buffer) {
    ++to->dropped;
    return;
  }
  world.note(event::arrived, *to, static_cast<std::int64_t>(came.bytes.size()));
  to->letter_bytes += came.bytes.size() + letter_overhead;
  to->letters.push_back(std::move(came));
  if (to->user != nullptr) to->user->readable(*to);
}

/// Only a connected socket is told (udp(7)).
void simulation::on_refused_letter(simulation&, const appointment& due) {
  socket& from = *due.on;
  if (from.closed || from.remote.family() == AF_UNSPEC) return;
  from.error = ECONNREFUSED;
  if (from.user != nullptr) from.user->readable(from);
}

letter simulation::receive_datagram(socket& on) {
  assert(!on.letters.empty() && "a socket that is readable without an error");
  letter taken = std::move(on.letters.front());
  on.letters.pop_front();
  on.letter_bytes -= taken.bytes.size() + letter_overhead;
  return taken;
}

}  // namespace myra::sim
