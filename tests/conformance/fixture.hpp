// What every case starts from and is held to: a reactor of its variant, a host for its peers, and
// at the end as many descriptors and buffers as at the start.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "myra/core/patience_test.hpp"
#include "myra/transport.hpp"
#include "peer.hpp"
#include "variant.hpp"

namespace myra::conformance {

using namespace std::chrono_literals;

/// What a handler saw, and what it is to do.
struct record : connection_handler {
  void on_open(connection& peer) override;
  void on_receive(connection& peer, message& bytes) override;
  void on_end(connection& peer) override;
  void on_writable(connection& peer) override;
  void on_drain(connection& peer) override;
  void on_close(connection& peer, std::error_code why) override;

  std::function<void(connection&)> when_open;
  std::function<void(connection&, message&)> when_received;  ///< After it was noted in `received`.
  std::function<void(connection&)> when_ended;               ///< In place of closing.
  std::function<void(connection&)> when_writable;
  std::function<void(connection&)> when_drained;  ///< In place of ending the input.
  std::function<void(connection&)> when_closed;

  /// Does no more than write down, from now on.
  void calm();

  std::string received;
  int opens = 0;
  int messages = 0;
  int ends = 0;
  int writables = 0;
  int closes = 0;
  std::error_code why;
  connection_handle last;  ///< Of the connection that opened last.
};

/// Has `seen` send back what it receives.
void echo(record& seen);

/// What became of an attempt to connect.
struct dialled {
  [[nodiscard]] connect_callback note();
  [[nodiscard]] bool connected() const { return outcome && outcome->has_value(); }
  [[nodiscard]] std::error_code error() const {
    return outcome && !*outcome ? outcome->error() : std::error_code();
  }

  std::optional<result<connection>> outcome;
  int calls = 0;
};

/// Lines that a reactor logged, from any thread.
class log_lines {
 public:
  [[nodiscard]] log_sink sink();
  [[nodiscard]] bool contain(std::string_view part) const;

 private:
  mutable std::mutex lock_;
  std::string text_;
};

class conformance_test : public testing::TestWithParam<variant> {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Opens the reactor; called by SetUp with the variant's options. A case that needs others calls
  /// it again, first thing.
  void open_reactor(const reactor_options& options);
  [[nodiscard]] reactor_options options();
  [[nodiscard]] reactor& on() { return *reactor_; }
  [[nodiscard]] peer_host& host() { return *host_; }
  [[nodiscard]] const log_lines& log() const { return log_; }

  /// A handler that lives as long as the reactor.
  [[nodiscard]] record& handler();
  /// A listener on an address of the variant's family (or the options' address) with a free port.
  listener& listen(connection_handler& handler, listener_options options = {});
  [[nodiscard]] listener& open_listener(listener_options options = {});
  /// An address of the variant's family that nobody uses.
  [[nodiscard]] endpoint near() const;
  /// Connects and turns until that is done; throws when it fails.
  [[nodiscard]] connection dial(const endpoint& to, const connect_options& options = {});
  /// Calls `act` with the connection, in a turn; false when the connection was no more.
  bool act(const connection_handle& to, std::function<void(connection&)> act);

  /// Turns until `done` says so; false, and the case fails, when that takes longer than the limit.
  bool turn_until(const std::function<bool()>& done,
                  std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// What time it is where the case is.
  [[nodiscard]] time_point present() const { return host_->now(); }
  /// Time goes by, in which the reactor does not turn.
  void pass(duration time) { host_->pass(time); }
  /// Whether the kernel is a simulated one.
  [[nodiscard]] static bool simulated() {
    return GetParam().options.backend == io::backend_kind::sim;
  }
  /// Turns for a while.
  void turn_for(std::chrono::milliseconds time);
  /// Turns until the peer's script is done.
  transcript finish(peer& ended);
  /// Ends the reactor and all that is on it; TearDown does it otherwise.
  void close_reactor();
  /// Destroys the reactor without a drain.
  void destroy_reactor();
  void close_listeners() { listeners_.clear(); }

 private:
  std::unique_ptr<peer_host> host_;
  log_lines log_;
  std::deque<record> handlers_;
  std::unique_ptr<reactor> reactor_;
  std::vector<std::unique_ptr<listener>> listeners_;
  std::size_t descriptors_before_ = 0;
};

/// `size` bytes, of which each differs from its neighbours and from itself at another offset.
[[nodiscard]] std::string pattern(std::size_t size);

/// Descriptors of this process that are open.
[[nodiscard]] std::size_t open_descriptors();

}  // namespace myra::conformance
