// A network of the test's own, whose only interface can be taken down: what is sent then stays with
// the kernel, not acknowledged, until the interface is up again or the socket is reset.
#pragma once

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace myra::io {

/// Of the calling thread, between `enter` and `leave`.
class own_network {
 public:
  own_network() = default;
  own_network(const own_network&) = delete;
  own_network& operator=(const own_network&) = delete;
  ~own_network() { leave(); }

  /// Why there is none; empty: there is.
  [[nodiscard]] std::string enter() {
    outside_ = ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    if (::unshare(CLONE_NEWNET) != 0) {
      const int error = errno;
      ::close(std::exchange(outside_, -1));
      return std::string("a network of its own is refused: ") + std::strerror(error);
    }
    return set_up(true) ? "" : "its interface cannot be taken up";
  }
  void leave() {
    if (outside_ < 0) return;
    ::setns(outside_, CLONE_NEWNET);
    ::close(std::exchange(outside_, -1));
  }

  static bool set_up(bool up) {
    const int any = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq wanted{};
    std::strcpy(wanted.ifr_name, "lo");
    wanted.ifr_flags = up ? IFF_UP : 0;
    const bool done = ::ioctl(any, SIOCSIFFLAGS, &wanted) == 0;
    ::close(any);
    return done;
  }

 private:
  int outside_ = -1;
};

}  // namespace myra::io
