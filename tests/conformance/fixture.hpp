// What every case starts from and is held to: a reactor of its variant, a host for its peers, and at the end as many
// descriptors and buffers as at the start.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "myra/transport.hpp"
#include "peer.hpp"
#include "variant.hpp"

namespace myra::conformance {

/// What a handler saw, and what it is to do.
struct record : connection_handler {
  void on_open(connection& peer) override;
  void on_receive(connection& peer, message& bytes) override;
  void on_end(connection& peer) override;
  void on_writable(connection& peer) override;
  void on_close(connection& peer, std::error_code why) override;

  std::function<void(connection&)> when_open;
  std::function<void(connection&, message&)> when_received;  ///< After it was noted in `received`.
  std::function<void(connection&)> when_ended;               ///< In place of closing.
  std::function<void(connection&)> when_writable;

  std::string received;
  int opens = 0;
  int messages = 0;
  int ends = 0;
  int writables = 0;
  int closes = 0;
  std::error_code why;
  connection_handle last;  ///< Of the connection that opened last.
};

class conformance_test : public testing::TestWithParam<variant> {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Opens the reactor; called by SetUp with the variant's options. A case that needs others calls it again, first thing.
  void open_reactor(const reactor_options& options);
  [[nodiscard]] reactor_options options() const { return GetParam().options; }
  [[nodiscard]] reactor& on() { return *reactor_; }
  [[nodiscard]] peer_host& host() { return *host_; }

  /// A listener on 127.0.0.1 (or `address`) with a free port.
  [[nodiscard]] listener& listen(connection_handler& handler, listener_options options = {});
  /// Turns until `done` says so; false, and the case fails, when that takes longer than the limit.
  bool turn_until(const std::function<bool()>& done, std::chrono::milliseconds limit = std::chrono::seconds(10));
  /// Turns for a while.
  void turn_for(std::chrono::milliseconds time);
  /// Turns until the peer's script is done.
  transcript finish(peer& ended);
  /// Ends the reactor and all that is on it; TearDown does it otherwise.
  void close_reactor();

  /// The address of each family that cases are repeated for.
  [[nodiscard]] static endpoint loopback() { return endpoint::parse("127.0.0.1:0").value(); }

 private:
  std::unique_ptr<peer_host> host_;
  std::optional<reactor> reactor_;
  std::vector<std::unique_ptr<listener>> listeners_;
  std::size_t descriptors_before_ = 0;
};

/// `size` bytes, of which each differs from its neighbours and from itself at another offset.
[[nodiscard]] std::string pattern(std::size_t size);

/// Descriptors of this process that are open.
[[nodiscard]] std::size_t open_descriptors();

}  // namespace myra::conformance
