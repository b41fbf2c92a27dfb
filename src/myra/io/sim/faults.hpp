// What may go wrong in a simulated world, how often, and what did.
//
// Whether a fault strikes follows from the seed, the kind, the place (a socket or a reactor) and
// how often that place was asked before: so most strikes can be left out (`allow_only`) and the
// others stay, which is how a failing run is made shorter.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace myra::sim {

enum class fault : std::uint8_t {
  short_read,        ///< A receive brings less than is there.
  short_write,       ///< A send takes less than there is room for.
  slow_segment,      ///< Bytes are long on their way.
  late_notice,       ///< A completion is told of long after it happened.
  reordered,         ///< Completions of different sockets change places.
  double_notice,     ///< A poll is told twice of one event.
  spurious_wake,     ///< A wait ends with nothing to deliver.
  multishot_end,     ///< A multishot operation ends although it succeeded.
  no_buffer,         ///< A receive finds no buffer (-ENOBUFS).
  overflow,          ///< The completion queue is full: multishot operations end.
  short_submit,      ///< The kernel takes only some of what was submitted.
  wrong_hint,        ///< `more_to_read` says the opposite.
  reset,             ///< Both ends of a connection are reset.
  half_open,         ///< Nothing arrives any more on a connection, in either direction.
  lost_connect,      ///< The first attempts to connect are lost on the way.
  accept_race,       ///< A cancelled accept brings a descriptor.
  cancel_race,       ///< Another cancelled operation succeeds first.
  accept_error,      ///< An error that accept(2) lists for the connection, or a shortage.
  connect_error,     ///< An error of connect(2).
  receive_error,     ///< An error of recv(2).
  send_error,        ///< An error of send(2).
  shutdown_error,    ///< -ENOTCONN from shutdown(2).
  close_error,       ///< An error of close(2), which closes all the same.
  call_error,        ///< A shortage when a socket is opened or bound.
  clock_jump,        ///< A machine's clock runs ahead at once.
  lost_datagram,     ///< A datagram does not arrive.
  doubled_datagram,  ///< A datagram arrives twice.
  stopped_machine,   ///< A machine does not run for a while (SIGSTOP, a paused virtual machine).
};
inline constexpr std::size_t fault_count = static_cast<std::size_t>(fault::stopped_machine) + 1;

[[nodiscard]] const char* name_of(fault kind) noexcept;

/// How often each kind strikes, of ten thousand times that it could.
struct faults {
  std::array<std::uint16_t, fault_count> rates{};

  /// A world in which all goes well.
  [[nodiscard]] static faults none() noexcept { return {}; }
  /// Everything, at rates at which connections still get something done.
  [[nodiscard]] static faults all() noexcept;
  /// The same without what ends a connection or keeps one from being made: all bytes arrive.
  [[nodiscard]] static faults harmless() noexcept;

  [[nodiscard]] faults with(fault kind, std::uint16_t rate) const noexcept {
    faults changed = *this;
    changed.rates[static_cast<std::size_t>(kind)] = rate;
    return changed;
  }
};

/// Where faults strike; counts how often each kind could have.
struct fault_site {
  std::uint32_t number = 0;
  std::array<std::uint32_t, fault_count> asked{};
};

/// One that struck.
struct strike {
  fault kind;
  std::uint32_t site;
  std::uint32_t ordinal;
  friend auto operator<=>(const strike&, const strike&) noexcept = default;
};

/// One chosen failure, beside what the rates decide: for going through all of them, one a run.
struct failure {
  /// Of which operation on the machine that could go on, from 1; 0: none, they are only counted.
  std::uint64_t ordinal = 0;
  int error = 0;
  /// Not only this one: each later one of its kind on its socket. What means "not now" (EINTR,
  /// EAGAIN, ENOBUFS, ECANCELED) a hundred times: for ever it would be a kernel that hangs.
  bool for_ever = false;
};

/// What became of it.
struct failure_count {
  std::uint64_t asked = 0;  ///< Operations that could have failed.
  std::uint64_t struck = 0;
  int kind = -1;             ///< Of operation that failed (io::operation_kind).
  std::uint32_t socket = 0;  ///< On which it did.
};

class fault_plan {
 public:
  fault_plan(std::uint64_t seed, const faults& rates) noexcept : seed_(seed), rates_(rates) {}

  /// Whether it happens now. Counted and noted when it does.
  [[nodiscard]] bool strikes(fault kind, fault_site& at) {
    const std::uint32_t ordinal = at.asked[static_cast<std::size_t>(kind)]++;
    return rates_.rates[static_cast<std::size_t>(kind)] != 0 && decide({kind, at.number, ordinal});
  }
  /// All others are left out.
  void allow_only(const std::vector<strike>& allowed);
  /// Called with each strike as it happens.
  void on_strike(std::function<void(const strike&)> call) { on_strike_ = std::move(call); }

  [[nodiscard]] const std::vector<strike>& struck() const noexcept { return struck_; }
  [[nodiscard]] std::uint64_t count(fault kind) const noexcept {
    return counts_[static_cast<std::size_t>(kind)];
  }

 private:
  [[nodiscard]] bool decide(const strike& asked);

  std::uint64_t seed_;
  faults rates_;
  std::optional<std::set<strike>> allowed_;
  std::function<void(const strike&)> on_strike_;
  std::vector<strike> struck_;
  std::array<std::uint64_t, fault_count> counts_{};
};

}  // namespace myra::sim
