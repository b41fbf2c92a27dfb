// Connecting: several addresses, one deadline, one answer.
//
// Addresses are tried as RFC 8305 says: sorted so that families alternate, each next attempt
// started when the one before failed or after `attempt_delay`; the first that connects wins and the
// others are cancelled and closed.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "myra/reactor/chain.hpp"
#include "myra/transport/connection.hpp"

namespace myra {

/// An address that did not become the connection, and why.
struct connect_failure {
  endpoint to;
  std::error_code why;
};

struct connect_options {
  /// From now, for all addresses together; zero: none.
  duration deadline = std::chrono::seconds(10);
  /// RFC 8305, "Connection Attempt Delay".
  duration attempt_delay = std::chrono::milliseconds(250);
  /// The local address to connect from; empty: the kernel chooses.
  endpoint local = {};
  /// Who was called for has no limits of idle time unless asked for.
  connection_options connection = {.idle_timeout = duration::zero(),
                                   .first_byte_timeout = duration::zero()};
  /// Goes out as soon as an address has answered, in one chain with the connect; then it is the
  /// callback's turn. Copied by `connect`. With several addresses more than one peer may get it:
  /// only for what does no harm twice.
  byte_view first_send = {};
  /// Who watches the deadline of such a chain.
  deadline_kind first_send_deadline = deadline_kind::timer;
  /// Emptied, and then filled with all addresses that failed, in that order; null: nobody asks. The
  /// caller's; stays until the callback.
  std::vector<connect_failure>* failures = nullptr;
};

/// A connect that failed, in words: each address that was tried, what it answered, and the limit
/// that was met: "connect to 127.0.0.1:9: Connection refused", once `describe` has added the last.
[[nodiscard]] error_report connect_report(std::error_code why,
                                          std::span<const connect_failure> failures,
                                          const connect_options& options);

/// The connection, or why there is none: the error of the last address to fail, or connect_timeout,
/// or cancelled. `connect_options::failures` has the errors of all.
using connect_callback = std::move_only_function<void(result<connection>) noexcept>;

/// One attempt under way. Its destruction cancels without calling back.
class connect_attempt {
 public:
  connect_attempt() noexcept = default;
  connect_attempt(connect_attempt&&) noexcept;
  connect_attempt& operator=(connect_attempt&&) noexcept;
  ~connect_attempt();

  /// Calls back with condition::cancelled, from a later turn, unless it has called back already.
  void cancel() noexcept;
  [[nodiscard]] bool done() const noexcept;

 private:
  friend connect_attempt connect(reactor&, std::span<const endpoint>, const connect_options&,
                                 connect_callback);
  class race;
  struct retire {
    void operator()(race* owned) const noexcept;
  };
  explicit connect_attempt(race* owned) noexcept;
  std::unique_ptr<race, retire> race_;
};

/// Begins to connect. `done` is called once, from a later turn, on the reactor's thread. With a
/// callback form use `connection::set_handler` on the result. No descriptor is left behind on any
/// path.
[[nodiscard]] connect_attempt connect(reactor& on, std::span<const endpoint> to,
                                      const connect_options& options, connect_callback done);

}  // namespace myra
