// Where a reactor shows its counters to other threads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "myra/io/capabilities.hpp"
#include "myra/reactor/latency_histogram.hpp"
#include "myra/reactor/loop.hpp"

namespace myra {

/// Counters as of the end of the reactor's last turn, written once a turn and read at any time. It
/// outlives the reactor, with what that had counted at its end.
///
/// Thread: the reactor's writes, any may read. Every figure is a whole one; those of a snapshot may
/// be of two turns that follow each other.
class counter_board {
 public:
  counter_board(io::backend_kind runs_on, latency_timing timing) noexcept
      : backend_(runs_on), timing_(timing) {}

  [[nodiscard]] loop_counters counters() const noexcept;
  [[nodiscard]] io::backend_kind backend() const noexcept { return backend_; }
  /// Which of the histograms are filled.
  [[nodiscard]] latency_timing timing() const noexcept { return timing_; }
  /// Work of a turn, from the end of its wait to the next wait; turns that found nothing are left
  /// out.
  [[nodiscard]] latency_snapshot turns() const noexcept { return turns_.read(); }
  /// From the end of the wait that found a message to the return of the handler that got it, with
  /// the handlers of the same turn that were called before.
  [[nodiscard]] latency_snapshot messages() const noexcept { return messages_.read(); }

 private:
  friend class loop;
  void show(const loop_counters& now) noexcept;

  // So that a snapshot is a row of words, whatever counters there are.
  static constexpr std::size_t word_count = sizeof(loop_counters) / sizeof(std::uint64_t);
  static_assert(std::is_trivially_copyable_v<loop_counters>);
  static_assert(std::has_unique_object_representations_v<loop_counters>,
                "a counter is a std::uint64_t");

  io::backend_kind backend_;
  latency_timing timing_;
  std::array<std::atomic<std::uint64_t>, word_count> words_{};
  latency_histogram turns_;
  latency_histogram messages_;
};

}  // namespace myra
