// What happened in a simulated world, one moment after the other: a hash of all of it always, the
// moments themselves as far as they are kept, in words when somebody asks.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "myra/core/clock.hpp"
#include "myra/io/sim/faults.hpp"

namespace myra::sim {

enum class event : std::uint8_t {
  opened,      ///< A socket.
  listening,   ///< value: the port.
  connecting,  ///< value: the port.
  reached,     ///< The connection is there. value: the other end's socket.
  refused,     ///< value: errno.
  accepted,    ///< value: the descriptor.
  sent,        ///< value: bytes; extra: bytes asked for.
  arrived,     ///< value: bytes.
  received,    ///< value: bytes; extra: 1 when the operation stays armed.
  end_sent,
  end_arrived,
  reset_sent,
  reset_arrived,
  closed,      ///< value: result.
  submitted,   ///< value: the kind of operation.
  cancelling,  ///< value: the kind of operation.
  completed,   ///< value: result; extra: the kind of operation.
  delivered,   ///< value: result; extra: the kind of operation.
  struck,      ///< value: the fault.
  woken,       ///< A wait ended. value: completions that are there.
  stopped,     ///< A machine stands still. value: nanoseconds.
  jumped,      ///< A clock ran ahead. value: nanoseconds.
  complaint,   ///< A promise was broken; the words are kept beside the trace.
};

/// 40 bytes. No pointers and nothing that depends on memory: the same seed makes the same moments.
struct moment {
  std::int64_t time_ns = 0;
  std::int64_t value = 0;
  std::int64_t extra = 0;
  std::uint32_t socket = 0;  ///< 0: none.
  std::uint16_t machine = 0;
  event what = event::opened;
};

class trace {
 public:
  /// How many of the latest moments are kept; `SIZE_MAX`: all.
  void keep(std::size_t count) { kept_max_ = count; }

  void add(const moment& happened) {
    hash_ = fold(hash_, happened);
    ++count_;
    if (kept_max_ == 0) return;
    if (kept_.size() >= kept_max_) kept_.pop_front();
    kept_.push_back(happened);
  }

  /// Of every moment so far, kept or not.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] const std::deque<moment>& kept() const noexcept { return kept_; }

 private:
  [[nodiscard]] static std::uint64_t fold(std::uint64_t hash, const moment& happened) noexcept;

  std::size_t kept_max_ = 2000;
  std::deque<moment> kept_;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::uint64_t count_ = 0;
};

/// One line without its newline: time, machine, socket, what happened.
[[nodiscard]] std::string in_words(const moment& happened, time_point start,
                                   const std::vector<std::string>& machine_names);

}  // namespace myra::sim
