// SIGINT and SIGTERM on a reactor.
#pragma once

#include <csignal>

#include "myra/core/result.hpp"
#include "myra/reactor/reactor.hpp"

namespace myra::tool {

/// Blocks both signals in the calling thread, and in those that it starts from then on.
void hold_end_signals() noexcept;

/// Calls back, once, on the reactor's thread when a signal that `hold_end_signals` holds has come.
/// Its destruction waits until the kernel has let go. A reactor's own run_until_signal does the
/// same for programs of one thread whose connections may end at once.
class signal_watch {
 public:
  using callback = void (*)(void* context) noexcept;

  signal_watch(reactor& on, callback on_signal, void* context) noexcept;
  signal_watch(const signal_watch&) = delete;
  signal_watch& operator=(const signal_watch&) = delete;
  ~signal_watch();

 private:
  struct poll : io::poll_operation {
    explicit poll(signal_watch& watch) noexcept : poll_operation(&poll::on_ready), owner(watch) {}
    static void on_ready(io::operation& completed, io::completion& what) noexcept;
    signal_watch& owner;
  };

  loop& on_;
  poll poll_{*this};
  callback on_signal_;
  void* context_;
};

}  // namespace myra::tool
