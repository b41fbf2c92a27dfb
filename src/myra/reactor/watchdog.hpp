// Reports a stall while it lasts: a thread that looks whether the loop still turns.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "myra/core/clock.hpp"
#include "myra/core/log.hpp"

namespace myra {

class watchdog {
 public:
  watchdog(duration threshold, log_sink log);
  ~watchdog();
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  /// The loop begins to run handlers, at `now`, and is done with them. Two relaxed stores a turn.
  void begin(time_point now) noexcept {
    since_.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  void end() noexcept { since_.store(0, std::memory_order_relaxed); }

 private:
  void watch();

  const duration threshold_;
  const log_sink log_;
  const long loop_thread_;
  std::atomic<duration::rep> since_{0};
  std::mutex lock_;
  std::condition_variable ending_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace myra
