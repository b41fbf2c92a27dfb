#include "myra/transport/acceptor.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <new>
#include <utility>

#include "myra/io/error_table.hpp"
#include "myra/reactor/async.hpp"
#include "myra/transport/rearm.hpp"

namespace myra {
namespace {

// The first pause is short, since descriptors often come back at once; the longest keeps the
// promise that service is back within a second of the shortage's end.
constexpr duration back_off_first = std::chrono::milliseconds(10);
constexpr duration back_off_longest = std::chrono::milliseconds(500);

// A connection's error costs that connection. As many in a row, without one that comes, are no
// longer those of connections: then accepting pauses, as in a shortage.
constexpr unsigned errors_in_row_max = 64;

}  // namespace

listener::acceptor::acceptor(loop& runs, io::descriptor socket, const listener_options& options,
                             const endpoint& local) noexcept
    : loop_(runs),
      options_(options),
      local_(local),
      accept_(*this),
      close_(*this),
      pause_(*this),
      back_off_(back_off_first) {
  accept_.descriptor = close_.descriptor = socket;
  options_.connection = fit_for(local.family(), options_.connection);
  accept_.multishot = runs.options().features.multishot_accept;
  runs.enlist(*this);
}

listener::acceptor::~acceptor() = default;

void listener::acceptor::serve(connection_handler& shared) noexcept {
  shared_ = &shared;
  arm();
}

void listener::acceptor::serve(handler_factory factory) noexcept {
  factory_ = std::move(factory);
  arm();
}

void listener::acceptor::serve(connection_coroutine coroutine) noexcept {
  coroutine_ = std::move(coroutine);
  arm();
}

void listener::acceptor::arm() noexcept {
  admit_waiting();
  if (closing_ || full() || pause_.armed() || !accept_.idle() || !accept_.descriptor.valid())
    return;
  loop_.tally().accept_arms.add(arms_for_);
  loop_.backend().submit(accept_);
}

void listener::acceptor::on_accept(io::operation& completed, io::completion& what) noexcept {
  acceptor& self = static_cast<accepting&>(completed).self;
  if (what.result >= 0)
    self.accepted(self.accept_.accepted(what));
  else if (what.result != -ECANCELED)
    self.failed(what.result);
  if (what.more) return;
  self.arms_for_ =
      self.pause_.armed() ? arm_reason::no_buffer : reason_to_rearm(self.accept_, what.result);
  if (!self.closing_) return self.arm();
  // A handler that closed the listener just now found nothing in flight, and has begun it already.
  if (self.close_.idle()) self.end_socket();
}

void listener::acceptor::accepted(io::descriptor socket) noexcept {
  back_off_ = back_off_first;
  errors_in_row_ = 0;
  socket = offer(socket);
  if (!socket.valid()) return;
  if (closing_) return loop_.backend().sockets().close(socket);
  if (full()) return keep_waiting(socket);
  begin_connection(socket);
}

void listener::acceptor::keep_waiting(io::descriptor socket) noexcept {
  try {
    waiting_.push_back(socket);
  } catch (const std::bad_alloc&) {
    loop_.backend().sockets().close(socket);
    failed(-ENOMEM);
  }
}

void listener::acceptor::admit_waiting() noexcept {
  while (!closing_ && !full() && !pause_.armed() && !waiting_.empty()) {
    const io::descriptor first = waiting_.front();
    waiting_.erase(waiting_.begin());
    begin_connection(first);
  }
}

void listener::acceptor::take(int socket) noexcept {
  io::network& sockets = loop_.backend().sockets();
  if (!closing_ && sockets.adopt(socket) < 0) return sockets.close(socket);
  take_in(socket);
}

void listener::acceptor::take_in(io::descriptor socket) noexcept {
  if (!closing_) return begin_connection(socket);
  socket = offer(socket);
  if (socket.valid()) loop_.backend().sockets().close(socket);
}

void listener::acceptor::divert(diversion which, socket_taker elsewhere) noexcept {
  elsewhere_ = std::move(elsewhere);
  diverts_ = which;
  accept_.ordinary = which == diversion::each_as_ordinary;
}

io::descriptor listener::acceptor::offer(io::descriptor socket) noexcept {
  if (!elsewhere_ || (!closing_ && diverts_ == diversion::at_close)) return socket;
  return elsewhere_(socket);
}

void listener::acceptor::begin_connection(io::descriptor socket) noexcept {
  ++counters_.accepted;
  ++loop_.tally().accepted;
  apply_to_accepted(local_.family(), options_.connection, loop_.backend().sockets(), socket);
  stream* made = stream_table::of(loop_).adopt(socket, options_.connection);
  if (made == nullptr) return failed(-ENOMEM);
  ++connection_count_;
  made->set_parent(*this);
  try {
    start(*made);
  } catch (...) {
    note_exception(loop_, "listener " + local_.to_string() + ": making a handler",
                   std::current_exception());
    made->abort();
  }
  // What the kernel accepts until it sees this waits here, and no more is asked for until one ends.
  if (full()) loop_.backend().cancel(accept_);
}

void listener::acceptor::start(stream& made) {
  if (shared_ != nullptr) return made.begin(*shared_, nullptr);
  if (coroutine_) {
    spawn(loop_, coroutine_(made.owner()));
    return;
  }
  auto handler = factory_();
  if (handler == nullptr) return made.close();
  connection_handler& borrowed = *handler;
  made.begin(borrowed, std::move(handler));
}

void listener::acceptor::failed(int result) noexcept {
  const io::reaction next = io::reaction_to(io::failing_call::accept, result);
  if (next == io::reaction::fatal) {
    loop_.log()(log_level::error, "listener " + local_.to_string() +
                                      ": accept: " + kernel_error(result).message() +
                                      "; no more connections are accepted");
    return close();
  }
  ++counters_.transient_errors;
  ++loop_.tally().accept_errors;
  if (++errors_in_row_ < errors_in_row_max && next != io::reaction::back_off) return;
  ++counters_.back_offs;
  ++loop_.tally().accept_back_offs;
  if (back_off_ == back_off_first)
    loop_.log()(log_level::warning,
                "listener " + local_.to_string() + ": accept: " + kernel_error(result).message() +
                    io::limit_words(-result) + "; accepting pauses until it passes");
  loop_.backend().cancel(accept_);
  loop_.timers().arm(pause_, after(loop_.now(), back_off_));
  back_off_ = std::min(back_off_ * 2, back_off_longest);
}

void listener::acceptor::on_pause_over(timer& fired) noexcept {
  static_cast<pause&>(fired).self.arm();
}

void listener::acceptor::stream_ended() noexcept {
  --connection_count_;
  arm();
  free_if_done();
}

void listener::acceptor::close() noexcept {
  if (closing_) return;
  closing_ = true;
  pause_.disarm();
  for (const io::descriptor socket : std::exchange(waiting_, {})) take_in(socket);
  if (!accept_.descriptor.valid())
    closed_ = true;
  else if (accept_.idle())
    end_socket();
  else
    loop_.backend().cancel(accept_);
}

void listener::acceptor::end_socket() noexcept {
  remove_file();  // so that nobody finds it behind those that wait
  if (elsewhere_) divert_waiting();
  loop_.backend().submit(close_);
}

// Before the socket is closed: as long as it listens nobody else takes the path, and afterwards the
// file may be that of who did.
void listener::acceptor::remove_file() noexcept {
  if (local_.family() != AF_UNIX || options_.inherited_descriptor >= 0 ||
      !options_.unlink_stale_socket)
    return;
  const std::string path = local_.unix_path();
  if (!path.empty()) ::unlink(path.c_str());
}

void listener::acceptor::divert_waiting() noexcept {
  // A closed socket resets what waits in its queue. More than this come only while we look.
  constexpr int most = 65536;
  io::network& sockets = loop_.backend().sockets();
  // Nobody comes behind those, where the socket is nobody else's.
  if (local_.family() == AF_UNIX && options_.inherited_descriptor < 0)
    static_cast<void>(sockets.refuse_more(accept_.descriptor));
  for (int i = 0; i < most; ++i) {
    const int socket = sockets.accept_waiting(accept_.descriptor);
    if (socket < 0) return;
    const io::descriptor left = offer(socket);
    if (left.valid()) sockets.close(left);
  }
}

void listener::acceptor::on_closed(io::operation& completed, io::completion&) noexcept {
  acceptor& self = static_cast<closing&>(completed).self;
  self.closed_ = true;
  self.free_if_done();
}

void listener::acceptor::abandon() noexcept {
  abandoned_ = true;
  close();
  free_if_done();
}

void listener::acceptor::free_if_done() noexcept {
  if (abandoned_ && closed_ && connection_count_ == 0) delete this;
}

}  // namespace myra
