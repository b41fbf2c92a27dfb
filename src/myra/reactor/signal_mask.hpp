// Signals kept away from a thread.
#pragma once

#include <csignal>

namespace myra {

/// Blocks signals in this thread, and in those that it starts, for as long as it exists.
class signals_blocked {
 public:
  explicit signals_blocked(const sigset_t& which) noexcept {
    ::pthread_sigmask(SIG_BLOCK, &which, &before_);
  }
  signals_blocked(const signals_blocked&) = delete;
  signals_blocked& operator=(const signals_blocked&) = delete;
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

[[nodiscard]] inline sigset_t all_signals() noexcept {
  sigset_t all;
  ::sigfillset(&all);
  return all;
}

}  // namespace myra
