#include "myra/reactor/reactor_group.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <csignal>

#include <array>
#include <cerrno>
#include <future>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "myra/core/cpu_list.hpp"
#include "myra/reactor/signal_mask.hpp"

namespace myra {
namespace {

/// A descriptor that closes itself.
class owned_descriptor {
 public:
  explicit owned_descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  owned_descriptor(const owned_descriptor&) = delete;
  owned_descriptor& operator=(const owned_descriptor&) = delete;
  ~owned_descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

sigset_t end_signals() noexcept {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGINT);
  ::sigaddset(&signals, SIGTERM);
  return signals;
}

/// A receive queue serves one ring.
reactor_options of_member(reactor_options each, std::uint32_t index) {
  if (each.zero_copy_receive.mode == io::zero_copy_receive_mode::queue)
    each.zero_copy_receive.queue += index;
  return each;
}

}  // namespace

std::string check(const group_options& options) {
  constexpr std::uint32_t most = 1024;
  if (options.reactor_count == 0 || options.reactor_count > most)
    return "group.reactor_count: found " + std::to_string(options.reactor_count) +
           ", allowed 1 to " + std::to_string(most);
  if (!parse_cpu_list(options.cpus))
    return "group.cpus: found \"" + options.cpus +
           "\", allowed numbers and ranges from 0 to 1023, such as \"0-3,8\"";
  if (options.local_memory && options.cpus.empty())
    return "group.local_memory: found true without group.cpus, allowed with: a thread that moves "
           "has no node of its own";
  if (options.drain_deadline < duration::zero())
    return "group.drain_deadline: found a negative duration, allowed zero and more";
  return {};
}

/// One reactor, its resident and its thread.
class reactor_group::member {
 public:
  /// Returns when the reactor runs, or why it does not.
  opened<void> start(const reactor_options& each, const group_options& options,
                     const resident_maker& make, std::uint32_t index, int ended_descriptor) {
    std::promise<opened<void>> ready;
    std::future<opened<void>> became_ready = ready.get_future();
    ended_descriptor_ = ended_descriptor;
    // The references are used before `ready` is told, and not after.
    try {
      thread_ = std::thread([&, index, ready = std::move(ready)]() mutable {
        if (auto refused = place(options, index)) return ready.set_value(std::unexpected(*refused));
        auto made = reactor::open(of_member(each, index));
        if (!made) return ready.set_value(std::unexpected(std::move(made.error())));
        reactor_ = std::make_unique<reactor>(std::move(*made));
        auto living = make(*reactor_, index);
        if (!living) {
          reactor_.reset();
          return ready.set_value(std::unexpected(std::move(living.error())));
        }
        const duration deadline = options.drain_deadline;
        ready.set_value({});
        run(std::move(*living), deadline);
      });
    } catch (const std::system_error& refused) {
      return report(refused.code(),
                    "a thread for reactor " + std::to_string(index) + " of a group");
    }
    auto outcome = became_ready.get();
    if (!outcome) thread_.join();
    return outcome;
  }

  [[nodiscard]] reactor& runs() noexcept { return *reactor_; }
  [[nodiscard]] const placement& placed() const noexcept { return placed_; }

  void stop() noexcept {
    const std::lock_guard guard(lock_);
    if (reactor_) reactor_->stop();
  }

  const member_end& join() {
    if (thread_.joinable()) thread_.join();
    return end_;
  }

 private:
  std::optional<error_report> place(const group_options& options, std::uint32_t index) {
    name_this_thread(options.name.substr(0, 10) + "-" + std::to_string(index));
    const auto cpus = parse_cpu_list(options.cpus);
    if (cpus && !cpus->empty()) {
      const unsigned cpu = (*cpus)[index % cpus->size()];
      if (const auto pinned = pin_this_thread(cpu); !pinned)
        return error_report{pinned.error(), "group.cpus: found " + std::to_string(cpu) +
                                                ", which is not there or not this process's"};
    }
    if (options.local_memory)
      if (const auto preferred = prefer_local_memory(); !preferred)
        return error_report{preferred.error(), "group.local_memory: set_mempolicy(2)"};
    placed_ = placement_of_this_thread();
    return std::nullopt;
  }

  void run(std::unique_ptr<resident> living, duration deadline) {
    reactor& runs = *reactor_;
    bool well = runs.run().has_value();
    living->leave();
    well = well && runs.drain(deadline);
    // What was posted meanwhile may hold connections, which find out here that nobody is left.
    well = runs.run_once(duration::zero()).has_value() && well;
    living->end();
    end_ = {well, runs.counters()};
    {
      const std::lock_guard guard(lock_);
      reactor_.reset();
    }
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto told = ::write(ended_descriptor_, &one, sizeof one);
  }

  std::mutex lock_;  ///< Guards the end of the reactor against a late `stop`.
  std::unique_ptr<reactor> reactor_;
  placement placed_;
  member_end end_;
  int ended_descriptor_ = -1;
  std::thread thread_;
};

struct reactor_group::parts {
  owned_descriptor ended{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::vector<std::unique_ptr<member>> members;
  log_sink log;

  ~parts() {
    for (const auto& each : members) each->stop();
    for (const auto& each : members) each->join();
  }
};

opened<reactor_group> reactor_group::open(const reactor_options& each, const group_options& options,
                                          const resident_maker& make) {
  if (auto complaint = check(options); !complaint.empty())
    return report(std::make_error_code(std::errc::invalid_argument), std::move(complaint));
  auto owned = std::make_unique<parts>();
  if (owned->ended.get() < 0)
    return report(kernel_error(-errno), "eventfd for the end of a group's reactors");
  owned->log = each.log;
  const signals_blocked blocked(all_signals());
  for (std::uint32_t index = 0; index < options.reactor_count; ++index) {
    auto made = std::make_unique<member>();
    if (auto started = made->start(each, options, make, index, owned->ended.get()); !started)
      return std::unexpected(std::move(started.error()));
    owned->members.push_back(std::move(made));
  }
  return reactor_group(std::move(owned));
}

reactor_group::reactor_group(std::unique_ptr<parts> owned) noexcept : parts_(std::move(owned)) {}
reactor_group::reactor_group(reactor_group&&) noexcept = default;
reactor_group& reactor_group::operator=(reactor_group&&) noexcept = default;
reactor_group::~reactor_group() = default;

std::uint32_t reactor_group::size() const noexcept {
  return static_cast<std::uint32_t>(parts_->members.size());
}
reactor& reactor_group::at(std::uint32_t index) noexcept { return parts_->members[index]->runs(); }
const placement& reactor_group::placed(std::uint32_t index) const noexcept {
  return parts_->members[index]->placed();
}
void reactor_group::stop(std::uint32_t index) noexcept { parts_->members[index]->stop(); }
void reactor_group::stop() noexcept {
  for (const auto& each : parts_->members) each->stop();
}
const member_end& reactor_group::join(std::uint32_t index) {
  return parts_->members[index]->join();
}

bool reactor_group::run_until_signal(const std::function<void()>& on_drain) {
  const sigset_t which = end_signals();
  const signals_blocked blocked(which);
  const owned_descriptor signals(::signalfd(-1, &which, SFD_CLOEXEC | SFD_NONBLOCK));
  bool well = signals.get() >= 0;
  if (!well) {
    // Those that end it are blocked: to go on would be to run for ever.
    const std::string why = kernel_error(-errno).message();
    parts_->log(log_level::error, "reactors: signals cannot be waited for: " + why);
  }
  std::array<pollfd, 2> ends{{{signals.get(), POLLIN, 0}, {parts_->ended.get(), POLLIN, 0}}};
  while (well && ::poll(ends.data(), ends.size(), -1) < 0 && errno == EINTR) {
  }
  // Taken, so that unblocking it afterwards does not deliver it again.
  signalfd_siginfo taken{};
  while (::read(signals.get(), &taken, sizeof taken) > 0) {
  }
  if (on_drain) on_drain();
  stop();
  for (const auto& each : parts_->members) well = each->join().drained && well;
  return well;
}

}  // namespace myra
