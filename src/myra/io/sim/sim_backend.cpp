#include "myra/io/sim/sim_backend.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <string>
#include <utility>

#include "myra/io/sim/errors.hpp"

namespace myra::io {

using sim::event;
using sim::fault;

opened<std::unique_ptr<backend>> sim_backend::open(sim::machine& on, const backend_wishes& wishes,
                                                   buffer_pool& pool) {
  const int wake_descriptor = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_descriptor < 0) return report(kernel_error(-errno), "eventfd for waking the loop");
  return std::unique_ptr<backend>(new sim_backend(on, wishes, pool, wake_descriptor));
}

sim_backend::sim_backend(sim::machine& on, const backend_wishes& wishes, buffer_pool& pool,
                         int wake_descriptor)
    : machine_(on),
      world_(on.world()),
      pool_(pool),
      wishes_(wishes),
      serial_(world_.next_number()),
      chance_(world_.seed() ^ serial_),
      wake_descriptor_(wake_descriptor) {
  site_.number = serial_;
  machine_.backends().push_back(this);
  refill();
}

sim_backend::~sim_backend() {
  assert(in_flight_count_ == 0 && "backend destroyed with operations in flight");
  for (slot* each : ring_) pool_.reclaim(*each);
  std::erase(machine_.backends(), this);
  ::close(wake_descriptor_);
}

sim_backend* sim_backend::find(sim::simulation& world, std::uint64_t serial) noexcept {
  for (const auto& each : world.machines())
    for (sim_backend* backend : each->backends())
      if (backend->serial_ == serial) return backend;
  return nullptr;
}

void sim_backend::submit(operation& submitted) noexcept {
  assert(submitted.idle() && "operation submitted twice");
  submitted.state = operation_state::queued;
  submitted.cancelled = false;
  ++counters_.submissions;
  ++in_flight_count_;
  queued_.push_back(&submitted);
  // A full submission queue is handed in at once.
  if (queued_.size() > wishes_.submission_entries) enter();
}

void sim_backend::cancel(operation& unwanted) noexcept {
  if (unwanted.idle() || unwanted.cancelled) return;
  unwanted.cancelled = true;
  // What is queued is seen there by its mark.
  if (unwanted.state == operation_state::in_flight) cancels_.push_back(&unwanted);
}

void sim_backend::refill() noexcept {
  while (ring_.size() < wishes_.receive_buffer_count) {
    slot* free = pool_.lend_to_kernel();
    if (free == nullptr) return;
    ring_.push_back(free);
  }
}

void sim_backend::enter() noexcept {
  ++counters_.kernel_entries;
  refill();
  std::size_t count = queued_.size();
  if (count > 1 && strikes(fault::short_submit)) count = chance_.below(count);
  const std::vector<operation*> taken(queued_.begin(),
                                      queued_.begin() + static_cast<std::ptrdiff_t>(count));
  queued_.erase(queued_.begin(), queued_.begin() + static_cast<std::ptrdiff_t>(count));
  for (operation* each : taken) start(*each);
  for (operation* each : std::exchange(cancels_, {})) cancel_now(*each);
}

void sim_backend::start(operation& begun) noexcept {
  if (free_flights_.empty()) {
    free_flights_.push_back(static_cast<std::uint32_t>(flights_.size()));
    flights_.emplace_back();
  }
  begun.backend_index = free_flights_.back();
  free_flights_.pop_back();
  ++begun.generation;
  begun.state = operation_state::in_flight;
  flight& made = flights_[begun.backend_index];
  made = {.op = &begun, .on = machine_.find(begun.descriptor), .serial = ++flight_count_};
  if (made.on != nullptr) {
    world_.note(event::submitted, *made.on, static_cast<std::int64_t>(begun.kind()));
    if (begun.kind() == operation_kind::close && made.on->in_flight != 0)
      world_.complain(machine_, "close of #" + std::to_string(made.on->number) + " with " +
                                    std::to_string(made.on->in_flight) + " operations in flight");
    ++made.on->in_flight;
    made.on->user = this;
  }
  // A close is never taken back: the descriptor would leak.
  if (begun.cancelled && begun.kind() != operation_kind::close) return complete(made, -ECANCELED);
  const bool real = begun.kind() == operation_kind::poll && begun.descriptor.valid() &&
                    !begun.descriptor.is_direct() &&
                    begun.descriptor.number() < sim::machine::first_descriptor;
  if (made.on == nullptr && !real) return complete(made, -EBADF);
  start_on(made);
}

void sim_backend::start_on(flight& begun) noexcept {
  switch (begun.op->kind()) {
    case operation_kind::accept: return start_accept(begun);
    case operation_kind::connect: return start_connect(begun);
    case operation_kind::receive: return start_receive(begun);
    case operation_kind::send_zero_copy: hold(begun); [[fallthrough]];
    case operation_kind::send: return start_send(begun);
    case operation_kind::shutdown: return start_shutdown(begun);
    case operation_kind::close: return start_close(begun);
    case operation_kind::poll: return start_poll(begun);
    case operation_kind::receive_datagram: return start_receive_datagram(begun);
    case operation_kind::send_datagram: return start_send_datagram(begun);
    case operation_kind::hand_over: return complete(begun, -EOPNOTSUPP);
    case operation_kind::cancel:
    case operation_kind::link_timeout: return complete(begun, -EINVAL);  // of chains only
  }
}

void sim_backend::start_shutdown(flight& begun) noexcept {
  assert(begun.on != nullptr && "started on no socket");
  const auto& shutdown = static_cast<const shutdown_operation&>(*begun.op);
  if (const int chosen = chosen_failure(begun, *begun.on); chosen != 0)
    return complete(begun, -chosen);
  const bool fails = world_.strikes(fault::shutdown_error, *begun.on);
  complete(begun, fails ? -ENOTCONN : world_.shutdown(*begun.on, shutdown.how));
}

void sim_backend::start_close(flight& begun) noexcept {
  // The descriptor is gone whatever close(2) says.
  sim::socket& on = *std::exchange(begun.on, nullptr);
  --on.in_flight;
  int status = -chosen_failure(begun, on);
  if (world_.strikes(fault::close_error, on))
    status = -sim::close_errors[on.chance.below(sim::close_errors.size())];
  world_.note(event::closed, on, status);
  world_.close(on);
  complete(begun, status);
}

void sim_backend::cancel_now(operation& unwanted) noexcept {
  flight& found = flight_of(unwanted);
  if (found.op != &unwanted) return;
  if (found.on != nullptr)
    world_.note(event::cancelling, *found.on, static_cast<std::int64_t>(unwanted.kind()));
  if (cancel_waits(found)) return;
  give_up(found);
}

/// Whether something else gets there first: the cancel comes a moment later.
bool sim_backend::cancel_waits(flight& unwanted) noexcept {
  if (unwanted.on == nullptr) return false;
  const bool accepts = unwanted.op->kind() == operation_kind::accept;
  if (!world_.strikes(accepts ? fault::accept_race : fault::cancel_race, *unwanted.on))
    return false;
  const duration later = std::chrono::microseconds(unwanted.on->chance.below(2000));
  world_.at(world_.now() + later, &on_late_cancel, nullptr,
            std::uint64_t{serial_} << 32 | unwanted.serial);
  return true;
}

void sim_backend::on_late_cancel(sim::simulation& world, const sim::appointment& due) {
  sim_backend* self = find(world, due.value >> 32);
  if (flight* found = find_flight(self, static_cast<std::uint32_t>(due.value)); found != nullptr)
    self->give_up(*found);
}

sim_backend::flight* sim_backend::find_flight(sim_backend* in, std::uint32_t serial) noexcept {
  if (in == nullptr) return nullptr;
  const auto found = std::ranges::find_if(in->flights_, [serial](const flight& each) {
    return each.op != nullptr && each.serial == serial;
  });
  return found == in->flights_.end() ? nullptr : &*found;
}

/// Ends an operation that the kernel still has; one whose end is on its way stays as it is.
void sim_backend::give_up(flight& unwanted) noexcept {
  operation& op = *unwanted.op;
  if (std::ranges::find(real_polls_, &op) != real_polls_.end())
    return complete(unwanted, -ECANCELED);
  if (unwanted.on == nullptr) return;
  const bool held = unwanted.on->reader == &op || unwanted.on->writer == &op ||
                    std::ranges::find(unwanted.on->polls, &op) != unwanted.on->polls.end();
  if (!held || unwanted.all_is_sent) return;
  const auto done = static_cast<std::int32_t>(unwanted.done);
  complete(unwanted, done > 0 ? done : -ECANCELED);
}

void sim_backend::readable(sim::socket& on) {
  if (on.reader != nullptr) due_read(on, duration::zero());
  if (!on.polls.empty()) run_polls(on);
}

void sim_backend::writable(sim::socket& on) {
  if (on.writer != nullptr) due_write(on, duration::zero());
  if (!on.polls.empty()) run_polls(on);
}

void sim_backend::forsaken(sim::socket& on) {
  for (flight& each : flights_) {
    if (each.on != &on) continue;
    give_up(each);
    each.on = nullptr;
  }
}

void sim_backend::due_read(sim::socket& on, duration delay) noexcept {
  if (std::exchange(on.read_due, true)) return;
  world_.at(world_.now() + delay, &on_read_due, &on);
}

void sim_backend::due_write(sim::socket& on, duration delay) noexcept {
  if (std::exchange(on.write_due, true)) return;
  world_.at(world_.now() + delay, &on_write_due, &on);
}

void sim_backend::on_read_due(sim::simulation&, const sim::appointment& due) {
  sim::socket& on = *due.on;
  on.read_due = false;
  if (on.closed || on.reader == nullptr) return;
  auto& self = static_cast<sim_backend&>(*on.user);
  if (on.reader->kind() == operation_kind::accept)
    self.run_accept(on);
  else if (on.datagrams)
    self.run_receive_datagram(on);
  else
    self.run_receive(on);
}

void sim_backend::on_write_due(sim::simulation&, const sim::appointment& due) {
  sim::socket& on = *due.on;
  on.write_due = false;
  if (on.closed || on.writer == nullptr) return;
  auto& self = static_cast<sim_backend&>(*on.user);
  if (on.writer->kind() == operation_kind::connect)
    self.run_connect(on);
  else
    self.run_send(on);
}

}  // namespace myra::io
