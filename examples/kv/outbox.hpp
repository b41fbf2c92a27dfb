// Replies on their way to one client, and what is kept of them for a client that reads too slowly.
#pragma once

#include <string_view>
#include <vector>

#include "myra/transport/connection.hpp"
#include "reply_buffer.hpp"

namespace kv {

/// Hands replies to the connection. The connection queues no more than its high-water mark; what it
/// refuses waits here, and the session runs no further command until nothing waits. So a client
/// costs the high-water mark and the rest of one command's reply at most, and of that reply the big
/// values wait as references, not as copies.
class outbox final : public reply_target {
 public:
  /// To be called first in each callback: `peer` is lent to us for that long.
  void attach(myra::connection& peer) noexcept { peer_ = &peer; }

  void take(std::string_view text) override;
  void take(shared_text text) override;

  /// Gives the connection what it has room for; true when nothing waits any more. When false, the
  /// connection will call on_writable.
  bool pump();

  [[nodiscard]] bool waiting() const noexcept override { return !waiting_.empty(); }

 private:
  [[nodiscard]] bool send_front();

  myra::connection* peer_ = nullptr;
  std::vector<shared_text> waiting_;  // from first_ on
  std::size_t first_ = 0;
  std::size_t sent_ = 0;  // of the first
};

}  // namespace kv
