// One connection of a closed loop, for clients of every make: what to send, what to make of what
// comes, and when it is over. Plain bytes in and out; the client brings the sockets.
#pragma once

#include "command_line.hpp"
#include "content.hpp"
#include "load_result.hpp"

#include <bit>
#include <span>
#include <vector>

namespace myra::bench {

inline std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(clock::now().time_since_epoch().count());
}

/// What the connections of a phase share.
struct echo_phase {
  std::uint64_t end = 0;        // ns; no message begins after it
  std::uint64_t under_way = 0;  // messages without a reply, of all connections
  load_result* result = nullptr;

  void begin(std::chrono::milliseconds duration, load_result& into) {
    end = now_ns() + static_cast<std::uint64_t>(duration.count()) * 1'000'000U;
    result = &into;
  }
  bool is_over() const { return under_way == 0; }
};

class echo_flow {
 public:
  echo_flow(std::uint32_t number, const load_request& request, echo_phase& phase)
      : phase_(phase),
        size_(request.message_size),
        depth_(request.depth),
        number_(number),
        checker_(number, size_),
        outgoing_(std::size_t{size_} * depth_),
        scratch_(std::size_t{size_} + 7),
        sent_at_(std::bit_ceil(depth_)) {}

  /// The first messages of a phase, to be sent whole. Valid until the next call.
  std::span<const char> begin() {
    phase_.under_way += depth_;
    return messages(depth_);
  }

  /// Checks what came; returns what to send next, likewise, or nothing. Ends the program on wrong
  /// content.
  std::span<const char> take(const char* data, std::size_t size) {
    std::uint64_t next = checker_.sequence();
    const int completed = checker_.check(data, size, scratch_.data());
    if (completed < 0 || checker_.sequence() > written_) fail_run("wrong content came back");
    const std::uint64_t now = now_ns();
    for (; next < checker_.sequence(); ++next) phase_.result->latency.add(now - sent_at_of(next));
    const auto replies = static_cast<std::uint32_t>(completed);
    phase_.result->messages += replies;
    if (now < phase_.end) return messages(replies);
    phase_.under_way -= replies;
    return {};
  }

  /// Whether all that was sent has come back.
  bool is_idle() const { return written_ == checker_.sequence(); }

 private:
  std::uint64_t& sent_at_of(std::uint64_t sequence) {
    return sent_at_[sequence & (sent_at_.size() - 1)];
  }

  std::span<const char> messages(std::uint32_t count) {
    const std::uint64_t now = now_ns();
    for (std::uint32_t i = 0; i < count; ++i, ++written_) {
      write_message(outgoing_.data() + std::size_t{i} * size_, size_, number_, written_);
      sent_at_of(written_) = now;
    }
    return {outgoing_.data(), std::size_t{count} * size_};
  }

  echo_phase& phase_;
  std::uint32_t size_;
  std::uint32_t depth_;
  std::uint32_t number_;
  echo_checker checker_;
  std::vector<char> outgoing_;
  std::vector<char> scratch_;
  std::uint64_t written_ = 0;
  std::vector<std::uint64_t> sent_at_;
};

}  // namespace myra::bench
