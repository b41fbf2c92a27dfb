#include "signal_watch.hpp"

#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace myra::tool {
namespace {

sigset_t end_signals() noexcept {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  return signals;
}

}  // namespace

void hold_end_signals() noexcept {
  const sigset_t signals = end_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

signal_watch::signal_watch(reactor& on, callback on_signal, void* context) noexcept
    : on_(on.internals()), on_signal_(on_signal), context_(context) {
  const sigset_t signals = end_signals();
  poll_.descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  poll_.events = POLLIN;
  on_.backend().submit(poll_);
}

signal_watch::~signal_watch() {
  on_.backend().cancel(poll_);
  while (!poll_.idle()) {
    if (!on_.turn(never)) break;
  }
  close(poll_.descriptor);
}

void signal_watch::poll::on_ready(io::operation& completed, io::completion& what) noexcept {
  signal_watch& watch = static_cast<poll&>(completed).owner;
  if (what.result > 0) watch.on_signal_(watch.context_);
}

}  // namespace myra::tool
