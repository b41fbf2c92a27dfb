// What a handler is lent: bytes that the engine owns, for the length of the call.
#pragma once

#include <utility>

#include "myra/memory/buffer.hpp"

namespace myra {

/// Lent bytes. When the handler returns the engine takes them back, unless the handler called
/// `detach` and owns them.
class message {
 public:
  /// `lent` is the engine's, and outlives this.
  explicit message(buffer& lent) noexcept : buffer_(lent) {}
  message(const message&) = delete;
  message& operator=(const message&) = delete;

  /// Valid until the handler returns or detaches.
  [[nodiscard]] byte_view bytes() const& noexcept { return buffer_.bytes(); }
  byte_view bytes() const&& = delete;
  [[nodiscard]] mutable_byte_view writable() & noexcept { return buffer_.writable(); }

  /// Claims the buffer: it is the caller's, to keep, to send, or to release from any thread. Once.
  [[nodiscard]] buffer detach() noexcept {
    assert(buffer_ && "message detached twice");
    return std::move(buffer_);
  }
  [[nodiscard]] bool detached() const noexcept { return !buffer_; }

 private:
  buffer& buffer_;
};

}  // namespace myra
