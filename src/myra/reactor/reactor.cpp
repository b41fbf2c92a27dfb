#include "myra/reactor/reactor.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <utility>

#include "myra/reactor/chain.hpp"

namespace myra {

struct reactor::parts {
  std::unique_ptr<loop> runs;
  std::atomic<bool> stopping{false};
};

namespace {

/// SIGINT and SIGTERM as a completion of the loop, for as long as it exists.
class signal_watch {
 public:
  explicit signal_watch(loop& on) : on_(on), poll_(&on_ready) {
    ::sigemptyset(&signals_);
    ::sigaddset(&signals_, SIGINT);
    ::sigaddset(&signals_, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    poll_.descriptor = ::signalfd(-1, &signals_, SFD_CLOEXEC | SFD_NONBLOCK);
    if (!opened()) error_ = -errno;
    poll_.events = POLLIN;
    poll_.self = this;
    if (opened()) on_.backend().submit(poll_);
  }
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;
  ~signal_watch() {
    on_.backend().cancel(poll_);
    while (!poll_.idle())
      if (!on_.turn(never)) break;
    // What came after the first is answered by the same drain; unblocked it would kill.
    while (take()) {
    }
    if (opened()) ::close(poll_.descriptor.number());
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

  [[nodiscard]] bool opened() const noexcept { return poll_.descriptor.valid(); }
  [[nodiscard]] bool seen() const noexcept { return seen_; }
  /// Why none will be seen: -errno; 0: one will, when it comes.
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  struct watching_poll : io::poll_operation {
    using poll_operation::poll_operation;
    signal_watch* self = nullptr;
  };

  static void on_ready(io::operation& completed, io::completion& what) noexcept {
    auto& self = *static_cast<watching_poll&>(completed).self;
    if (what.result == -ECANCELED) return;
    if (what.result < 0 && what.result != -EINTR) {
      self.error_ = what.result;
      return;
    }
    self.seen_ = self.take();
    if (!self.seen_) self.on_.backend().submit(self.poll_);
  }

  /// Takes a signal, so that unblocking it afterwards does not deliver it again.
  [[nodiscard]] bool take() const noexcept {
    signalfd_siginfo taken{};
    return opened() && ::read(poll_.descriptor.number(), &taken, sizeof taken) > 0;
  }

  loop& on_;
  watching_poll poll_;
  sigset_t signals_{};
  sigset_t before_{};
  bool seen_ = false;
  int error_ = 0;
};

/// What ends a run for good is logged, also where a caller learns no more than that it ended.
void say(loop& runs, const char* what, std::error_code why) {
  runs.log()(log_level::error, std::string("reactor: ") + what + ": " + why.message());
}
result<void> turn_or_say(loop& runs, time_point deadline) {
  auto turned = runs.turn(deadline);
  if (!turned) say(runs, "the kernel took the backend away", turned.error());
  return turned;
}

}  // namespace

opened<reactor> reactor::open(const reactor_options& options) {
  auto made = loop::open(options);
  if (!made) return std::unexpected(std::move(made.error()));
  auto owned = std::make_unique<parts>();
  owned->runs = std::move(*made);
  return reactor(std::move(owned));
}

reactor::reactor(std::unique_ptr<parts> owned) noexcept : parts_(std::move(owned)) {}
reactor::reactor(reactor&&) noexcept = default;
reactor& reactor::operator=(reactor&&) noexcept = default;
reactor::~reactor() = default;

result<void> reactor::run() {
  parts_->runs->begin_turns();
  while (!parts_->stopping.load(std::memory_order_acquire))
    if (auto turned = turn_or_say(*parts_->runs, never); !turned) return turned;
  parts_->stopping.store(false, std::memory_order_relaxed);
  parts_->runs->end_turns();
  return {};
}

result<void> reactor::run_once(duration wait) {
  loop& runs = *parts_->runs;
  runs.begin_turns();
  const time_point deadline = wait <= duration::zero() ? time_point{} : after(runs.now(), wait);
  if (auto turned = runs.turn(deadline); !turned) return turned;
  // What handlers began goes to the kernel before somebody else waits on our descriptor.
  auto settled = runs.settle();
  runs.end_turns();
  return settled;
}

int reactor::run_until_signal(const shutdown_options& options) {
  loop& runs = *parts_->runs;
  runs.begin_turns();
  signal_watch signals(runs);
  while (!signals.seen() && !parts_->stopping.load(std::memory_order_acquire)) {
    if (signals.error() != 0) {
      say(runs, "signals cannot be waited for", kernel_error(signals.error()));
      return 1;
    }
    if (!turn_or_say(runs, never)) return 1;
  }
  parts_->stopping.store(false, std::memory_order_relaxed);
  if (options.on_drain) options.on_drain();
  return drain(options.drain_deadline) ? 0 : 1;
}

bool reactor::drain(duration deadline) {
  loop& runs = *parts_->runs;
  runs.begin_turns();
  const time_point end = after(runs.now(), deadline);
  runs.drain();
  while (!runs.drained() && runs.now() < end)
    if (!turn_or_say(runs, end)) return false;
  if (runs.drained()) return true;
  runs.log()(log_level::warning,
             "reactor: what was still open at the drain's deadline is cut (" +
                 std::to_string(duration_cast<std::chrono::milliseconds>(deadline).count()) +
                 " ms)");
  runs.cut();
  return false;
}

void reactor::stop() noexcept {
  parts_->stopping.store(true, std::memory_order_release);
  parts_->runs->wake();
}

post_status reactor::post(posted_call call) { return parts_->runs->post(call); }
io::backend_kind reactor::backend() const noexcept { return parts_->runs->backend().kind(); }
const std::string& reactor::reason() const noexcept { return parts_->runs->reason(); }
int reactor::descriptor() const noexcept { return parts_->runs->backend().descriptor(); }
int reactor::ring_descriptor() const noexcept { return parts_->runs->backend().ring_descriptor(); }
time_point reactor::next_deadline() const noexcept {
  return std::min(parts_->runs->timers().next(), parts_->runs->backend().next_look());
}
time_point reactor::now() const noexcept { return parts_->runs->now(); }
loop_counters reactor::counters() const noexcept { return parts_->runs->counters(); }
std::shared_ptr<const counter_board> reactor::board() const noexcept {
  return parts_->runs->board();
}
buffer reactor::acquire() noexcept { return parts_->runs->pool().acquire(); }
operation_chain reactor::chain() noexcept { return operation_chain(*parts_->runs); }
loop& reactor::internals() noexcept { return *parts_->runs; }

}  // namespace myra
