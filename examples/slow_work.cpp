// Slow work elsewhere: a handler must not block its reactor, so what takes long goes to another
// thread and comes back.
//
//   slow_work                then, in another terminal:  nc localhost 7000
//
// Each piece of text that a client sends is answered a second later, backwards; the reactor goes on
// with other clients meanwhile.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "myra/transport.hpp"

namespace {

using job = std::move_only_function<void()>;

// One thread that does one job after the other. At most `waiting_max` wait for it.
class worker {
 public:
  static constexpr std::size_t waiting_max = 1000;

  worker() : thread_([this](const std::stop_token& stop) { work(stop); }) {}

  // False when too many wait: `what` was not taken.
  [[nodiscard]] bool run(job& what) {
    const std::scoped_lock hold(lock_);
    if (waiting_.size() == waiting_max) return false;
    waiting_.push_back(std::move(what));
    changed_.notify_one();
    return true;
  }

  // Waits for the job under way and drops the others.
  void stop() {
    thread_.request_stop();
    thread_.join();
    waiting_.clear();
  }

 private:
  void work(const std::stop_token& stop) {
    sigset_t all;  // signals are for the reactor's thread, which waits for SIGTERM
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::unique_lock hold(lock_);
    while (changed_.wait(hold, stop, [this] { return !waiting_.empty(); }) &&
           !stop.stop_requested()) {
      job next = std::move(waiting_.front());
      waiting_.pop_front();
      hold.unlock();
      next();
      hold.lock();
    }
  }

  std::mutex lock_;
  std::condition_variable_any changed_;
  std::deque<job> waiting_;
  std::jthread thread_;  // last: it uses all of the above
};

std::string compute(std::string_view text) {
  std::this_thread::sleep_for(std::chrono::seconds(1));
  while (text.ends_with('\n')) text.remove_suffix(1);
  return std::string(text.rbegin(), text.rend()) + "\n";
}

class slow_handler final : public myra::connection_handler {
 public:
  explicit slow_handler(worker& works) : works_(works) {}

  void on_receive(myra::connection& peer, myra::message& message) override {
    // Detached, the bytes are ours, on any thread. The handle is a name of the connection that
    // keeps nothing alive: should the client leave meanwhile, what we post is dropped.
    job slow = [to = peer.handle(), request = message.detach()]() mutable {
      std::string reply = compute(myra::as_text(request.bytes()));
      request.release();  // the buffer goes home to its reactor from here
      const auto posted = to.post([reply = std::move(reply)](myra::connection& client) noexcept {
        client.send_copy(myra::as_bytes(reply));
      });
      if (posted != myra::post_status::accepted) std::puts("a reply was lost: the reactor is busy");
    };
    if (!works_.run(slow)) peer.send_copy(myra::as_bytes("busy\n"));
  }

 private:
  worker& works_;
};

int fail(const myra::error_report& why) {
  std::fprintf(stderr, "slow_work: %s\n", myra::describe(why).c_str());
  return 2;
}

}  // namespace

int main() {
  worker works;
  slow_handler handler(works);  // outlives the reactor, and so every connection
  auto reactor = myra::reactor::open();
  if (!reactor) return fail(reactor.error());
  auto listener = myra::listener::open(*reactor, {.address = "[::]:7000"});
  if (!listener) return fail(listener.error());
  listener->serve(handler);
  const int status = reactor->run_until_signal();
  works.stop();  // its jobs hold buffers of the reactor and post to it
  return status;
}
