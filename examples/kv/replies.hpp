// Replies to one client: written by commands, sent by the session, kept while the client does not
// read them.
#pragma once

#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "myra/transport/connection.hpp"
#include "store.hpp"

namespace kv {

/// Where replies are put together: one for the whole server, as it serves one client at a time.
struct reply_batch {
  std::array<char, 16 * 1024> text;
  std::size_t size = 0;
};

/// What resp_reply.hpp writes to. All replies to what arrived together leave as one piece, and
/// nothing is allocated for them. The connection queues no more than its high-water mark; what it
/// refuses waits here, big values as references and not as copies, and the session runs no further
/// command meanwhile. So a client that does not read costs the high-water mark and the rest of one
/// command's reply.
class replies {
 public:
  /// Not copied into the batch but sent from where it lies; smaller ones too when they would wait.
  static constexpr std::size_t shared_size_min = 8 * 1024;
  static constexpr std::size_t waiting_shared_size_min = 256;

  explicit replies(reply_batch& batch) noexcept : batch_(batch) {}

  void append(std::string_view text) {
    if (text.size() > batch_.text.size() - batch_.size) return append_long(text);
    std::memcpy(batch_.text.data() + batch_.size, text.data(), text.size());
    batch_.size += text.size();
  }
  void append_shared(const shared_text& text);

  /// Gives the connection all that it has room for. True when nothing waits; otherwise the
  /// connection will call on_writable.
  bool send(myra::connection& to);

  /// Whether something did not fit, into the batch or into the connection's queue.
  [[nodiscard]] bool waiting() const noexcept { return !waiting_.empty(); }

 private:
  void append_long(std::string_view text);
  void keep_batch();
  [[nodiscard]] myra::send_status send_pieces(std::string_view text, myra::connection& to);

  reply_batch& batch_;
  std::vector<shared_text> waiting_;  // from first_ on, and before the batch
  std::size_t first_ = 0;
  std::size_t sent_ = 0;  // bytes of the first
};

}  // namespace kv
