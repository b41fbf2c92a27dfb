#include "myra/transport/connector.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <optional>
#include <utility>

#include "myra/core/copy.hpp"
#include "myra/io/error_table.hpp"
#include "myra/transport/address_order.hpp"
#include "myra/transport/stream.hpp"

namespace myra {
namespace {

/// Before connect(2), since the window scale follows from the sizes of its buffers (tcp(7)).
int prepare(io::network& sockets, io::descriptor socket, const connect_options& options) noexcept {
  if (const int refused = apply(options.connection, sockets, socket); refused < 0) return refused;
  const endpoint& local = options.local;
  if (local.family() == AF_UNSPEC) return 0;
  if (local.family() != AF_UNIX && local.port() == 0) {
    // The port is chosen by connect(2), which may share one between different peers (ip(7)).
    const int on = 1;
    sockets.set_option(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  }
  return sockets.bind(socket, local.address(), local.size());
}

/// A socket that is ready to connect; zero, or -errno.
int open_prepared(io::network& sockets, const endpoint& to, const connect_options& options,
                  io::descriptor& made) noexcept {
  int status = sockets.open_stream(to.family(), made);
  if (status < 0) return status;
  status = prepare(sockets, made, options);
  if (status == -EBUSY && made.is_direct()) {
    // The ring has no room for its answers at present; system calls need none.
    sockets.close(made);
    made = status = sockets.open(to.family(), SOCK_STREAM, 0);
    if (status >= 0) status = prepare(sockets, made, options);
  }
  if (status < 0 && made.valid()) sockets.close(made);
  return std::min(status, 0);
}

}  // namespace

/// Lives until its handle is gone, it has reported, and the kernel has let go of every attempt.
///
///   racing ──first success, last failure, deadline, cancel──▶ settled ──next turn──▶ reported
///   racing or settled ──handle destroyed──▶ reported (to nobody)
class connect_attempt::race final : public drainable {
 public:
  race(loop& on, std::span<const endpoint> to, const connect_options& options,
       connect_callback done)
      : loop_(on), options_(options), done_(std::move(done)), order_(alternate_families(to)) {
    if (options_.failures != nullptr) {
      options_.failures->clear();
      options_.failures->reserve(order_.size());  // so that noting one needs no memory
    }
    if (!options_.first_send.empty()) keep_first_send();
    loop_.enlist(*this);
  }

  void begin();
  void cancel() noexcept;
  void abandon() noexcept;
  [[nodiscard]] bool reported() const noexcept { return reported_; }

  void drain() noexcept override { cancel(); }
  void cut() noexcept override { cancel(); }
  [[nodiscard]] bool drained() const noexcept override { return reported_ && in_flight_ == 0; }

 private:
  struct attempt : io::connect_operation {
    attempt(race& racing, const endpoint& address_tried) noexcept
        : connect_operation(&attempt::on_connect), owner(racing), to(address_tried) {
      address = to.address();
      address_size = to.size();
    }
    static void on_connect(io::operation& completed, io::completion& what) noexcept {
      auto& self = static_cast<attempt&>(completed);
      self.owner.finished(self, what.result);
    }
    race& owner;
    const endpoint& to;
    std::optional<operation_chain> chain;  ///< In place of the operation, when bytes go with it.
  };

  template <void (race::*Act)() noexcept>
  struct alarm : timer {
    explicit alarm(race& racing) noexcept
        : timer([](timer& fired) noexcept { (static_cast<alarm&>(fired).owner.*Act)(); }),
          owner(racing) {}
    race& owner;
  };

  struct reporter : deferred {
    explicit reporter(race& racing) noexcept
        : deferred(
              [](deferred& called) noexcept { static_cast<reporter&>(called).owner.report(); }),
          owner(racing) {}
    race& owner;
  };

  void keep_first_send();
  void start_next() noexcept;
  [[nodiscard]] int try_start(const endpoint& to) noexcept;
  void start_chain(attempt& started);
  [[nodiscard]] int outcome_of(std::span<const step_report> steps) const noexcept;
  [[nodiscard]] bool limited_by_kernel() const noexcept {
    return !options_.first_send.empty() && options_.first_send_deadline == deadline_kind::linked;
  }
  void finished(attempt& ended, int result) noexcept;
  void time_out() noexcept { settle(make_error_code(transport_errc::connect_timeout)); }
  void settle(std::error_code why) noexcept;
  void note_failure(const endpoint& at, std::error_code why) noexcept {
    if (options_.failures != nullptr) options_.failures->push_back({at, why});
  }
  void stop_racing() noexcept;
  void drop_winner() noexcept;
  void report() noexcept;
  [[nodiscard]] result<connection> take_outcome() noexcept;
  void let_go() noexcept;

  loop& loop_;
  connect_options options_;
  std::vector<std::byte> first_send_;
  connect_callback done_;
  std::vector<endpoint> order_;
  std::deque<attempt> attempts_;
  alarm<&race::start_next> stagger_{*this};
  alarm<&race::time_out> deadline_{*this};
  reporter reporter_{*this};
  std::error_code error_ = make_error_code(transport_errc::no_address);
  io::descriptor winner_;
  std::size_t next_ = 0;
  std::size_t in_flight_ = 0;
  bool settled_ = false;
  bool reported_ = false;
  bool reporting_ = false;
  bool owned_ = true;
};

void connect_attempt::race::begin() {
  if (auto complaint = check(options_.connection); !complaint.empty()) {
    loop_.log()(log_level::error, "connect: " + complaint);
    settle(std::make_error_code(std::errc::invalid_argument));
    return;
  }
  if (options_.deadline > duration::zero() && !limited_by_kernel())
    loop_.timers().arm(deadline_, after(loop_.backend().now(), options_.deadline));
  start_next();
}

/// A chain that lost or was cancelled may send as late as after the callback.
void connect_attempt::race::keep_first_send() {
  first_send_.resize(options_.first_send.size());
  copy_payload(first_send_, options_.first_send, loop_.tally().bytes_copied);
  options_.first_send = first_send_;
}

void connect_attempt::race::start_next() noexcept {
  stagger_.disarm();
  while (next_ < order_.size()) {
    const endpoint& to = order_[next_++];
    if (const int started = try_start(to); started < 0) {
      error_ = kernel_error(started);
      note_failure(to, error_);
      continue;
    }
    if (next_ < order_.size())
      loop_.timers().arm(stagger_, after(loop_.backend().now(), options_.attempt_delay));
    return;
  }
  if (in_flight_ == 0) settle(error_);
}

int connect_attempt::race::try_start(const endpoint& to) noexcept {
  io::descriptor socket;
  const int refused = open_prepared(loop_.backend().sockets(), to, options_, socket);
  if (refused < 0) return refused;
  attempt& started = attempts_.emplace_back(*this, to);
  started.descriptor = socket;
  ++in_flight_;
  if (options_.first_send.empty())
    loop_.backend().submit(started);
  else
    start_chain(started);
  return 0;
}

void connect_attempt::race::start_chain(attempt& started) {
  operation_chain& chain = started.chain.emplace(loop_);
  chain.connect(started.descriptor, started.address, started.address_size);
  chain.send(started.descriptor, options_.first_send);
  if (limited_by_kernel()) chain.with_deadline(options_.deadline, deadline_kind::linked);
  const auto begun = chain.start([this, &started](std::span<step_report> steps) noexcept {
    finished(started, outcome_of(steps));
  });
  assert(begun && "two steps and their limits fit into the smallest queue");
}

/// Zero, or what went wrong first.
int connect_attempt::race::outcome_of(std::span<const step_report> steps) const noexcept {
  if (steps[0].result < 0) return steps[0].result;
  if (steps[1].result < 0) return steps[1].result;
  return static_cast<std::size_t>(steps[1].result) < options_.first_send.size() ? -ETIME : 0;
}

void connect_attempt::race::finished(attempt& ended, int result) noexcept {
  const io::descriptor socket = std::exchange(ended.descriptor, {});
  --in_flight_;
  if (settled_ || result < 0) {
    loop_.backend().sockets().close(socket);
  } else {
    winner_ = socket;
    options_.connection = fit_for(ended.address->sa_family, options_.connection);
    settle({});
  }
  if (!settled_) {
    // The deadline is of all addresses together.
    const bool too_late = io::reaction_to(io::failing_call::connect, result) == io::reaction::fatal;
    error_ = too_late ? make_error_code(transport_errc::connect_timeout) : kernel_error(result);
    note_failure(ended.to, error_);
    if (too_late)
      settle(error_);
    else
      start_next();
  }
  let_go();
}

void connect_attempt::race::settle(std::error_code why) noexcept {
  error_ = why;
  if (why && !settled_)
    for (const attempt& each : attempts_)
      if (each.descriptor.valid()) note_failure(each.to, why);  // it is still under way
  stop_racing();
  loop_.defer(reporter_);
}

void connect_attempt::race::stop_racing() noexcept {
  settled_ = true;
  stagger_.disarm();
  deadline_.disarm();
  for (attempt& each : attempts_)
    if (each.chain)
      each.chain->cancel();
    else if (!each.idle())
      loop_.backend().cancel(each);
}

void connect_attempt::race::drop_winner() noexcept {
  const io::descriptor socket = std::exchange(winner_, {});
  if (socket.valid()) loop_.backend().sockets().close(socket);
}

void connect_attempt::race::cancel() noexcept {
  if (reported_) return;
  drop_winner();
  settle(kernel_error(-ECANCELED));
}

void connect_attempt::race::abandon() noexcept {
  owned_ = false;
  if (!reported_) {
    reported_ = true;
    reporter_.unlink();
    stop_racing();
    drop_winner();
  }
  let_go();
}

void connect_attempt::race::report() noexcept {
  reported_ = true;
  reporting_ = true;
  connect_callback done = std::move(done_);
  done(take_outcome());
  reporting_ = false;
  let_go();
}

result<connection> connect_attempt::race::take_outcome() noexcept {
  if (error_) return failure(error_);
  return stream::connected(loop_, std::exchange(winner_, {}), options_.connection);
}

void connect_attempt::race::let_go() noexcept {
  if (!drained() || reporting_) return;
  unlink();
  if (!owned_) delete this;
}

connect_attempt::connect_attempt(race* owned) noexcept : race_(owned) {}
connect_attempt::connect_attempt(connect_attempt&&) noexcept = default;
connect_attempt& connect_attempt::operator=(connect_attempt&&) noexcept = default;
connect_attempt::~connect_attempt() = default;

void connect_attempt::retire::operator()(race* owned) const noexcept { owned->abandon(); }

void connect_attempt::cancel() noexcept {
  if (race_) race_->cancel();
}

bool connect_attempt::done() const noexcept { return !race_ || race_->reported(); }

connect_attempt connect(reactor& on, std::span<const endpoint> to, const connect_options& options,
                        connect_callback done) {
  connect_attempt handle(new connect_attempt::race(on.internals(), to, options, std::move(done)));
  handle.race_->begin();
  return handle;
}

}  // namespace myra
