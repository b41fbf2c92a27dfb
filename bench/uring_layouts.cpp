// An experiment: the same echo loop with its rings laid over threads in three ways. Raw liburing.
//
//   uring-layouts --listen 127.0.0.1:0 --layout per-core|shared|per-connection --threads 2
//
//   per-core        each thread has a ring of its own, and a listener of its own (SO_REUSEPORT)
//   shared          all threads submit to, and take from, one ring, under a lock
//   per-connection  each connection has a ring, each thread waits for those of its connections with
//                   epoll(7)
//
// Whatever the layout, a message is one receive and one send, and the next receive is linked to the
// send. Thread i stays on processor i.

#include "sockets.hpp"

#include <liburing.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

namespace {

using namespace myra::bench;

constexpr unsigned queue_entries = 4096;
constexpr std::uint64_t accept_tag = 2;
constexpr std::uint64_t stop_tag = 4;
constexpr std::uint64_t send_bit = 1;

struct connection {
  int socket;
  io_uring ring{};  // of `per-connection` only
  std::array<char, 4096> bytes{};
};

void check(int status, const char* what) {
  if (status < 0) fail_system(what, -status);
}

/// One of several on an address.
int open_shared_listener(const sockaddr_in& address) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) fail_system("socket", errno);
  set_option(listener, SOL_SOCKET, SO_REUSEPORT, 1);
  set_option(listener, IPPROTO_TCP, TCP_NODELAY, 1);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail_system("bind", errno);
  if (::listen(listener, 65535) != 0) fail_system("listen", errno);
  return listener;
}

io_uring_sqe* take_entry(io_uring& ring) {
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  if (entry != nullptr) return entry;
  io_uring_submit(&ring);
  return io_uring_get_sqe(&ring);
}

/// A chain must not be cut: both entries go in together.
void make_room_for_two(io_uring& ring) {
  if (io_uring_sq_space_left(&ring) < 2) io_uring_submit(&ring);
}

void receive(io_uring& ring, connection& one) {
  io_uring_sqe* const entry = take_entry(ring);
  io_uring_prep_recv(entry, one.socket, one.bytes.data(), one.bytes.size(), 0);
  io_uring_sqe_set_data(entry, &one);
}

void send_and_receive(io_uring& ring, connection& one, unsigned size) {
  make_room_for_two(ring);
  io_uring_sqe* const entry = take_entry(ring);
  io_uring_prep_send(entry, one.socket, one.bytes.data(), size, MSG_WAITALL | MSG_NOSIGNAL);
  entry->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, reinterpret_cast<std::uintptr_t>(&one) | send_bit);
  receive(ring, one);
}

void accept_from(io_uring& ring, int listener) {
  io_uring_sqe* const entry = take_entry(ring);
  io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
  io_uring_sqe_set_data64(entry, accept_tag);
}

void watch_for_stop(io_uring& ring, int stop) {
  io_uring_sqe* const entry = take_entry(ring);
  io_uring_prep_poll_add(entry, stop, POLLIN);
  io_uring_sqe_set_data64(entry, stop_tag);
}

/// Does what a completion asks for. True: the server is to stop.
bool handle(io_uring& ring, const io_uring_cqe& cqe, int listener) {
  if (cqe.user_data == stop_tag) return true;
  if (cqe.user_data == accept_tag) {
    if (cqe.res >= 0) receive(ring, *new connection{.socket = cqe.res});
    if ((cqe.flags & IORING_CQE_F_MORE) == 0) accept_from(ring, listener);
    return false;
  }
  if ((cqe.user_data & send_bit) != 0) return false;  // failed; its receive is told as well
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the kernel keeps the address for us as a number
  auto* const one = reinterpret_cast<connection*>(cqe.user_data);
  if (cqe.res > 0) {
    send_and_receive(ring, *one, static_cast<unsigned>(cqe.res));
  } else {
    ::close(one->socket);
    delete one;
  }
  return false;
}

// --- per core ---

void run_per_core(int listener, int stop) {
  io_uring ring{};
  io_uring_params parameters{};
  parameters.flags =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL;
  check(io_uring_queue_init_params(queue_entries, &ring, &parameters), "io_uring_queue_init");
  accept_from(ring, listener);
  watch_for_stop(ring, stop);
  for (bool stopped = false; !stopped;) {
    io_uring_submit_and_wait(&ring, 1);
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* cqe = nullptr;
    io_uring_for_each_cqe(&ring, head, cqe) {
      stopped = handle(ring, *cqe, listener) || stopped;
      ++count;
    }
    io_uring_cq_advance(&ring, count);
  }
  io_uring_queue_exit(&ring);
}

// --- one ring for all ---

class shared_ring {
 public:
  shared_ring(int listener, int stop, unsigned threads) : listener_(listener), threads_(threads) {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_SUBMIT_ALL;
    check(io_uring_queue_init_params(queue_entries, &ring_, &parameters), "io_uring_queue_init");
    accept_from(ring_, listener);
    watch_for_stop(ring_, stop);
    io_uring_submit(&ring_);
  }
  ~shared_ring() { io_uring_queue_exit(&ring_); }
  shared_ring(const shared_ring&) = delete;
  shared_ring& operator=(const shared_ring&) = delete;

  void run() {
    while (!stopped_) {
      io_uring_enter(static_cast<unsigned>(ring_.ring_fd), 0, 1, IORING_ENTER_GETEVENTS, nullptr);
      const std::lock_guard guard(lock_);
      // Not all that there is: the other threads are to find some as well.
      std::array<io_uring_cqe*, 32> found{};
      const unsigned count = io_uring_peek_batch_cqe(&ring_, found.data(), found.size());
      std::array<io_uring_cqe, 32> taken{};
      for (unsigned i = 0; i < count; ++i) taken[i] = *found[i];
      io_uring_cq_advance(&ring_, count);
      for (unsigned i = 0; i < count; ++i)
        if (handle(ring_, taken[i], listener_)) wake_all();
      io_uring_submit(&ring_);
    }
  }

 private:
  void wake_all() {
    stopped_ = true;
    for (unsigned i = 0; i < threads_; ++i) {
      io_uring_sqe* const entry = take_entry(ring_);
      io_uring_prep_nop(entry);
      io_uring_sqe_set_data64(entry, send_bit);
    }
  }

  int listener_;
  unsigned threads_;
  io_uring ring_{};
  std::mutex lock_;
  std::atomic<bool> stopped_{false};
};

// --- a ring for each connection ---

class ring_of_each {
 public:
  ring_of_each(int listener, int stop) : listener_(listener), stop_(stop) {}

  void run() {
    poll_ = ::epoll_create1(EPOLL_CLOEXEC);
    if (poll_ < 0) fail_system("epoll_create1", errno);
    watch(listener_, &listener_);
    watch(stop_, &stop_);
    std::array<epoll_event, 64> events{};
    for (bool stopped = false; !stopped;) {
      const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        void* const what = events[static_cast<std::size_t>(i)].data.ptr;
        if (what == &stop_)
          stopped = true;
        else if (what == &listener_)
          accept_one();
        else
          serve(*static_cast<connection*>(what));
      }
    }
    while (!open_.empty()) end(**open_.begin());
    ::close(poll_);
  }

 private:
  void watch(int descriptor, void* what) const {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = what;
    if (::epoll_ctl(poll_, EPOLL_CTL_ADD, descriptor, &wanted) != 0)
      fail_system("epoll_ctl", errno);
  }

  void accept_one() {
    const int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) return;
    auto* const one = new connection{.socket = socket};
    check(io_uring_queue_init(4, &one->ring, IORING_SETUP_SINGLE_ISSUER), "io_uring_queue_init");
    watch(one->ring.ring_fd, one);
    open_.insert(one);
    receive(one->ring, *one);
    io_uring_submit(&one->ring);
  }

  void serve(connection& one) {
    io_uring_cqe* cqe = nullptr;
    while (io_uring_peek_cqe(&one.ring, &cqe) == 0) {
      const io_uring_cqe taken = *cqe;
      io_uring_cqe_seen(&one.ring, cqe);
      if ((taken.user_data & send_bit) != 0) continue;
      if (taken.res <= 0) return end(one);
      send_and_receive(one.ring, one, static_cast<unsigned>(taken.res));
      io_uring_submit(&one.ring);
    }
  }

  void end(connection& one) {
    io_uring_queue_exit(&one.ring);
    ::close(one.socket);
    open_.erase(&one);
    delete &one;
  }

  int listener_;
  int stop_;
  int poll_ = -1;
  std::unordered_set<connection*> open_;
};

void stay_on(unsigned cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  if (const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof only, &only); error != 0)
    fail_system("pthread_setaffinity_np", error);
}

template <class Run>
void on_threads(unsigned count, Run run) {
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < count; ++i)
    threads.emplace_back([i, run] {
      stay_on(i);
      run(i);
    });
  for (std::thread& each : threads) each.join();
}

}  // namespace

int main(int argc, char** argv) {
  const command_line options(argc, argv, {"listen", "layout", "threads"}, {});
  const std::string layout = options.text("layout", "per-core");
  const unsigned count = options.number("threads", 2);
  raise_descriptor_limit();
  sockaddr_in address = parse_address(options.text("listen", "127.0.0.1:0"));
  const bool own_listeners = layout != "shared";
  std::vector<int> listeners;
  for (unsigned i = 0; i < (own_listeners ? count : 1); ++i) {
    listeners.push_back(open_shared_listener(address));
    socklen_t size = sizeof address;
    ::getsockname(listeners[0], reinterpret_cast<sockaddr*>(&address), &size);
  }
  const int stop = open_stop_descriptor();
  print_ready(listeners[0], ("uring: " + layout).c_str());
  if (layout == "per-core") {
    on_threads(count, [&](unsigned i) { run_per_core(listeners[i], stop); });
  } else if (layout == "shared") {
    shared_ring ring(listeners[0], stop, count);
    on_threads(count, [&](unsigned) { ring.run(); });
  } else if (layout == "per-connection") {
    on_threads(count, [&](unsigned i) { ring_of_each(listeners[i], stop).run(); });
  } else {
    fail_usage("--layout: '" + layout + "'; allowed: per-core, shared, per-connection");
  }
}
