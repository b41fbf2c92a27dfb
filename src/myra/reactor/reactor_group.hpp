// Several reactors, each on a thread of its own, which share nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "myra/core/error.hpp"
#include "myra/reactor/placement.hpp"
#include "myra/reactor/reactor.hpp"

namespace myra {

struct group_options {
  std::uint32_t reactor_count = 1;
  /// Processors, such as "0-3,8": the first reactor stays on the first, and so on, from the start
  /// again when there are more reactors. Empty: the kernel moves them as it likes.
  std::string cpus = {};
  /// Memory of a reactor, its pool among it, comes from the node that its processor belongs to.
  /// Goes with `cpus`.
  bool local_memory = false;
  /// Of the threads, with "-0", "-1" and so on behind it; 10 characters are kept.
  std::string name = "myra";
  /// How long connections may take at `stop`, for each reactor.
  duration drain_deadline = std::chrono::seconds(5);
};

/// Names the first field that is out of bounds, what was found and what is allowed; empty when all
/// are right.
[[nodiscard]] std::string check(const group_options& options);

/// What lives on a reactor of a group: listeners, handlers. Made and used on its thread.
class resident {
 public:
  /// The reactor is gone.
  virtual ~resident() = default;
  /// The reactor is to drain, and runs for the last time: what came and is not begun goes
  /// elsewhere.
  virtual void leave() noexcept {}
  /// The reactor has drained, and ends when this returns: listeners go here.
  virtual void end() noexcept {}
};

using resident_maker =
    std::function<opened<std::unique_ptr<resident>>(reactor& on, std::uint32_t index)>;

/// How a reactor of a group ended.
struct member_end {
  bool drained = false;  ///< Nothing had to be cut, and the backend did not fail.
  loop_counters counters;
};

/// Movable handle. All of it on one thread, any one.
class reactor_group {
 public:
  /// Opens all of them, one after the other, each on its thread, and has `make` furnish each; they
  /// run when this returns. Errors: as of reactor::open and of `make`, and invalid for a processor
  /// that is not there; none is left running then. Threads block all signals.
  [[nodiscard]] static opened<reactor_group> open(const reactor_options& each,
                                                  const group_options& options,
                                                  const resident_maker& make);
  reactor_group(reactor_group&&) noexcept;
  reactor_group& operator=(reactor_group&&) noexcept;
  /// Stops all that still run and waits for them.
  ~reactor_group();

  [[nodiscard]] std::uint32_t size() const noexcept;
  /// For `post`; everything else of it belongs to its thread. Not after `stop` of it.
  [[nodiscard]] reactor& at(std::uint32_t index) noexcept;
  [[nodiscard]] const placement& placed(std::uint32_t index) const noexcept;

  /// Has one reactor, or all, drain and end. Returns at once.
  void stop(std::uint32_t index) noexcept;
  void stop() noexcept;
  /// Waits until that reactor has ended; after a `stop` of it, or else until its backend fails.
  const member_end& join(std::uint32_t index);

  /// Waits for SIGINT or SIGTERM (blocked in the calling thread meanwhile, so that it is to be
  /// called by the one thread that does not block them before), or for the first reactor that ends;
  /// then stops all and waits for them. True: all drained. Without a descriptor for the signals all
  /// are stopped at once, which is logged; false.
  [[nodiscard]] bool run_until_signal(const std::function<void()>& on_drain = {});

 private:
  class member;
  struct parts;
  explicit reactor_group(std::unique_ptr<parts> owned) noexcept;
  std::unique_ptr<parts> parts_;
};

}  // namespace myra
