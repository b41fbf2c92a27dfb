// Where commands write their replies. One for the whole server: the replies to all the commands
// that arrived together are collected here and leave as one piece.
#pragma once

#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "store.hpp"

namespace kv {

/// Takes replies away, in order.
class reply_target {
 public:
  virtual ~reply_target() = default;
  /// Copies `text`.
  virtual void take(std::string_view text) = 0;
  /// Keeps `text` until it has been sent.
  virtual void take(shared_text text) = 0;
  /// Whether texts pile up because the client reads too slowly.
  [[nodiscard]] virtual bool waiting() const noexcept = 0;
};

/// A `reply_sink` of resp_reply.hpp. Nothing is allocated but once, at the start.
class reply_buffer {
 public:
  static constexpr std::size_t capacity = 16 * 1024;
  /// From this size on a value is not copied in here but sent from where it lies; a much smaller
  /// one too when it would have to wait, so that what waits is little more than references.
  static constexpr std::size_t shared_size_min = 4 * 1024;
  static constexpr std::size_t waiting_shared_size_min = 256;

  /// What is appended from now on is for `target`. What a command left unfinished, because it
  /// threw, is forgotten: its connection is gone.
  void open(reply_target& target) noexcept {
    target_ = &target;
    size_ = 0;
  }

  void append(std::string_view text) {
    if (text.size() > capacity - size_) return append_long(text);
    std::memcpy(text_.get() + size_, text.data(), text.size());
    size_ += text.size();
  }

  void append_shared(const shared_text& text) {
    const bool small = text->size() < shared_size_min;
    if (small && (text->size() < waiting_shared_size_min || !target_->waiting())) {
      return append(*text);
    }
    flush();
    target_->take(text);
  }

  /// Hands what was appended to the target.
  void flush() {
    if (size_ == 0) return;
    const std::string_view text(text_.get(), std::exchange(size_, 0));
    target_->take(text);
  }

 private:
  void append_long(std::string_view text) {
    flush();
    if (text.size() > capacity) return target_->take(text);
    append(text);
  }

  std::unique_ptr<char[]> text_ = std::make_unique<char[]>(capacity);
  std::size_t size_ = 0;
  reply_target* target_ = nullptr;
};

}  // namespace kv
