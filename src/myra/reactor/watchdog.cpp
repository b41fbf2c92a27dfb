#include "myra/reactor/watchdog.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <string>

#include "myra/reactor/signal_mask.hpp"

namespace myra {

watchdog::watchdog(duration threshold, log_sink log)
    : threshold_(threshold), log_(log), loop_thread_(::syscall(SYS_gettid)) {
  // Signals are the program's business, not this thread's.
  const signals_blocked blocked(all_signals());
  thread_ = std::thread([this] { watch(); });
}

watchdog::~watchdog() {
  {
    const std::lock_guard held(lock_);
    ended_ = true;
  }
  ending_.notify_one();
  thread_.join();
}

void watchdog::watch() {
  duration::rep reported = 0;
  std::unique_lock held(lock_);
  while (!ending_.wait_for(held, threshold_ / 2, [this] { return ended_; })) {
    const auto since = since_.load(std::memory_order_relaxed);
    if (since == 0 || since == reported) continue;
    const auto lasted = clock::now().time_since_epoch() - duration(since);
    if (lasted < threshold_) continue;
    reported = since;
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(lasted).count();
    log_(log_level::warning, "reactor: a handler has blocked the loop of thread " +
                                 std::to_string(loop_thread_) + " for " + std::to_string(ms) +
                                 " ms");
  }
}

}  // namespace myra
