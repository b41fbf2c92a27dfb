// Clients of the echo servers: what they send is known, and so is what has to come back.
#pragma once

#include <cstdint>
#include <string>
#include <system_error>
#include <vector>

#include "myra/transport.hpp"

namespace myra::simtest {

enum class client_end { half_close, close, abort, give_up };

/// Notes whether a connection ended while all buffers of a pool were taken, or somebody had been
/// held back for want of them: peers whose marks are together more than the pool may then stop each
/// other until `write_timeout`, or until one is cut after `shortage_patience` (docs/security.md).
class pool_watcher final : public connection_watcher {
 public:
  void watch(loop& runs) { loops_.push_back(&runs); }
  /// Loops end.
  void watch_none() noexcept { loops_.clear(); }
  void on_transition(const connection_handle&, connection_state,
                     connection_state to) noexcept override {
    if (to != connection_state::closing) return;
    bool now = false;
    for (loop* each : loops_) {
      now = now || each->pool().obtainable_count() == 0;
      used_up_ = used_up_ || now || each->tally().hold_backs != 0;
    }
    if (now) ++ended_in_want_count_;
  }
  /// Whether want of buffers explains that a connection ended so. Each cut, and each end while
  /// there was no buffer, explains one end here, its own or that of the other side.
  [[nodiscard]] bool excuse(std::error_code why) noexcept {
    if (why == transport_errc::write_timeout) return used_up_;
    if (why != transport_errc::buffers_wanted &&
        (why != condition::disconnected || why == transport_errc::end_of_stream))
      return false;
    std::uint64_t explained = ended_in_want_count_;
    for (loop* each : loops_) explained += each->tally().buffer_cuts;
    return ++excused_count_ <= explained;
  }

 private:
  std::vector<loop*> loops_;
  bool used_up_ = false;
  std::uint64_t ended_in_want_count_ = 0;
  std::uint64_t excused_count_ = 0;
};

struct client_plan {
  std::uint64_t id = 0;  ///< Of the connection; its bytes follow from it.
  std::string address;
  std::size_t size = 0;  ///< Bytes to send.
  std::size_t piece_size_max = 0;
  client_end ends = client_end::half_close;
  bool must_succeed = false;  ///< Unless `pools` explains why not.
  pool_watcher* pools = nullptr;
  connection_options connection = {};
  duration receive_deadline = duration::zero();
};

/// Counted by all clients of a world.
struct client_tally {
  std::uint64_t connected = 0;
  std::uint64_t complete = 0;
  /// Ended by an error, as it may when there are faults that end connections; by which.
  std::uint64_t failed = 0;
  std::vector<std::error_code> errors;
};

/// Throws when a byte is wrong, or when the plan must succeed and does not.
[[nodiscard]] task<> run_client(reactor& on, client_plan plan, client_tally& tally);

}  // namespace myra::simtest
