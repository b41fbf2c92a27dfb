// How simulated connections come about: bind(2), listen(2), connect(2), accept(2).
#include <algorithm>
#include <cassert>
#include <cerrno>

#include "myra/io/sim/simulation.hpp"

namespace myra::sim {
namespace {

/// tcp(7), tcp_syn_retries: after 1, 2, 4 ... seconds, 127 in all.
constexpr unsigned attempt_max = 7;
constexpr duration unix_retry_delay = std::chrono::milliseconds(1);

}  // namespace

socket& simulation::open(machine& on, int family) {
  auto made = std::make_unique<socket>(next_number(), on, family, seed_);
  made->index = sockets_.size();
  sockets_.push_back(std::move(made));
  socket& opened = *sockets_.back();
  note(event::opened, opened);
  return opened;
}

int simulation::bind(socket& on, address to) {
  if (on.phase != phase::fresh || on.local.family() != AF_UNSPEC) return -EINVAL;
  if (to.family() != on.family) return -EINVAL;
  const bool ours =
      on.family == AF_UNIX || to.is_any() || to.is_loopback() || to.host() == on.on->number();
  if (!ours) return -EADDRNOTAVAIL;
  if (on.family != AF_UNIX && to.port() == 0) to.set_port(on.on->free_port());
  if (is_taken(on, to)) return -EADDRINUSE;
  if (to.is_path()) on.on->paths.push_back(to);
  on.local = to;
  return 0;
}

bool simulation::is_taken(const socket& by, const address& wanted) const noexcept {
  return std::ranges::any_of(sockets_, [&](const auto& each) {
    const bool holds =
        each->datagrams ? each->local.family() != AF_UNSPEC : each->phase == phase::listening;
    if (each->on != by.on || each->closed || !holds) return false;
    if (each->family != by.family || each->datagrams != by.datagrams) return false;
    if (each->has_flag(SOL_SOCKET, SO_REUSEPORT) && by.has_flag(SOL_SOCKET, SO_REUSEPORT))
      return false;
    if (by.family == AF_UNIX) return each->local.same_name(wanted);
    const bool same_host = each->local.same_host(wanted) || each->local.is_any() || wanted.is_any();
    return each->local.port() == wanted.port() && same_host;
  });
}

int simulation::listen(socket& on, int backlog) {
  if (on.phase != phase::fresh && on.phase != phase::listening) return -EINVAL;
  if (on.local.family() == AF_UNSPEC) {
    if (on.family == AF_UNIX) return -EINVAL;
    address any = address::of_host(on.family, on.on->number(), 0);
    if (const int status = bind(on, any); status < 0) return status;
  }
  on.phase = phase::listening;
  on.backlog_max = static_cast<std::size_t>(backlog < 0 ? 0 : backlog);
  note(event::listening, on, on.local.port());
  return 0;
}

bool socket::listens_at(const address& to) const noexcept {
  if (closed || phase != sim::phase::listening) return false;
  if (to.family() == AF_UNIX) return local.same_name(to);
  if (local.port() != to.port()) return false;
  const bool takes_four = family == AF_INET6 && local.is_any() && !six_only;
  if (family != to.family() && !(to.family() == AF_INET && takes_four)) return false;
  return local.is_any() || local.same_host(to);
}

/// Of several that share an address (socket(7), SO_REUSEPORT) each gets its part.
socket* simulation::find_listener(machine& on, const socket& from) noexcept {
  std::vector<socket*> found;
  for (const auto& each : sockets_)
    if (each->on == &on && each->listens_at(from.remote)) found.push_back(each.get());
  return found.empty() ? nullptr : found[mix(from.number) % found.size()];
}

machine* simulation::route(const socket& from, const address& to) noexcept {
  if (to.is_loopback() || to.is_any()) return from.on;
  const unsigned number = to.host();
  return number == 0 || number > machines_.size() ? nullptr : machines_[number - 1].get();
}

int simulation::connect(socket& from, const address& to) {
  assert(from.on != nullptr && "a socket without a machine");
  if (from.phase == phase::connecting) return -EALREADY;
  if (from.phase == phase::connected) return -EISCONN;
  if (from.phase == phase::listening) return -EOPNOTSUPP;
  if (to.family() != from.family) return -EAFNOSUPPORT;
  if (from.error != 0) return take_error(from);
  from.remote = to;
  if (from.family == AF_UNIX) return connect_unix(from);
  if (to.is_broadcast()) return -ENETUNREACH;  // as tcp_v4_connect() of Linux
  if (route(from, to) == nullptr && !to.is_silent()) return -ENETUNREACH;
  if (from.local.family() == AF_UNSPEC) {
    from.local = to.is_loopback() ? to : address::of_host(from.family, from.on->number(), 0);
    from.local.set_port(0);
  }
  if (from.local.port() == 0) from.local.set_port(from.on->free_port());
  from.phase = phase::connecting;
  note(event::connecting, from, to.port());
  at(now() + latency(from), &on_syn, &from);
  return -EINPROGRESS;
}

int simulation::connect_unix(socket& from) {
  socket* listener = find_listener(*from.on, from);
  if (listener == nullptr) {
    for (const address& each : from.on->paths)
      if (each.same_name(from.remote)) return -ECONNREFUSED;
    return from.remote.is_path() ? -ENOENT : -ECONNREFUSED;
  }
  if (listener->backlog.size() > listener->backlog_max) {
    from.phase = phase::connecting;
    at(now() + unix_retry_delay, &on_unix_retry, &from);
    return -EINPROGRESS;
  }
  static_cast<void>(answer(from, *listener));
  from.phase = phase::connected;
  return 0;
}

void simulation::on_unix_retry(simulation& world, const appointment& due) {
  socket& from = *due.on;
  if (from.closed || from.phase != phase::connecting) return;
  from.phase = phase::fresh;
  const int status = world.connect_unix(from);
  if (status == -EINPROGRESS) return;
  if (status < 0) return world.fail_connect(from, -status);
  if (from.user != nullptr) from.user->writable(from);
}

/// The accepted side of a new connection, in the backlog of its listener.
socket& simulation::answer(socket& from, socket& listener) {
  socket& made = open(*listener.on, listener.family);
  made.phase = phase::connected;
  made.local = from.family == AF_UNIX ? listener.local : from.remote;
  made.remote = from.local;
  if (from.family != AF_UNIX) {
    made.send_buffer = listener.send_buffer;
    made.receive_buffer = listener.receive_buffer;
    made.flags = listener.flags;
  }
  made.other = &from;
  from.other = &made;
  note(event::reached, made, from.number);
  listener.backlog.push_back(&made);
  if (listener.user != nullptr) listener.user->readable(listener);
  return made;
}

void simulation::on_syn(simulation& world, const appointment& due) {
  socket& from = *due.on;
  if (from.closed || from.phase != phase::connecting) return;
  machine* there = world.route(from, from.remote);
  if (there == nullptr || world.strikes(fault::lost_connect, from)) return world.try_again(from);
  socket* listener = world.find_listener(*there, from);
  if (listener == nullptr)
    return world.at(world.now() + world.latency(from), &on_refusal, &from, ECONNREFUSED);
  if (listener->backlog.size() > listener->backlog_max) return world.try_again(from);
  socket& made = world.answer(from, *listener);
  const time_point answered = world.now() + world.latency(made);
  world.at(answered, &on_answer, &from);
  // What the other side sends at once comes after its answer, and after that was told.
  from.last_arrival = answered + std::chrono::microseconds(1);
}

void simulation::try_again(socket& from) {
  if (from.attempt == attempt_max) return fail_connect(from, ETIMEDOUT);
  at(now() + std::chrono::seconds(1U << from.attempt++), &on_syn, &from);
}

void simulation::on_answer(simulation& world, const appointment& due) {
  socket& from = *due.on;
  if (from.closed || from.phase != phase::connecting) return;
  from.phase = phase::connected;
  world.note(event::reached, from, from.other->number);
  if (from.user != nullptr) from.user->writable(from);
}

void simulation::on_refusal(simulation& world, const appointment& due) {
  if (!due.on->closed) world.fail_connect(*due.on, static_cast<int>(due.value));
}

void simulation::fail_connect(socket& from, int error) {
  from.phase = phase::over;
  from.error = error;
  note(event::refused, from, error);
  if (from.user != nullptr) from.user->writable(from);
}

socket* simulation::accept(socket& from) {
  if (from.backlog.empty()) return nullptr;
  socket* taken = from.backlog.front();
  from.backlog.pop_front();
  return taken;
}

}  // namespace myra::sim
