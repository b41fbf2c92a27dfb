// Busy polling of network cards by one epoll instance: EPIOCSPARAMS (ioctl_eventpoll(2)),
// Linux 6.9.
#pragma once

#include <sys/ioctl.h>

#include <cerrno>
#include <cstdint>

#include "myra/core/clock.hpp"

namespace myra::io {

/// As <linux/eventpoll.h> has it, which is newer than the systems that we build on.
struct epoll_parameters {
  std::uint32_t busy_poll_us;
  std::uint16_t busy_poll_budget;
  std::uint8_t prefer_busy_poll;
  std::uint8_t padding;
};
static_assert(sizeof(epoll_parameters) == 8);

inline constexpr unsigned long set_epoll_parameters = _IOW(0x8A, 0x01, epoll_parameters);
inline constexpr unsigned long get_epoll_parameters = _IOR(0x8A, 0x02, epoll_parameters);

/// Waits of `epoll_descriptor` poll for `time` before they sleep. Zero, or -errno.
[[nodiscard]] inline int poll_cards(int epoll_descriptor, duration time, bool prefer) noexcept {
  constexpr std::uint16_t packets_max = 8;  // a turn's; more than 64 needs CAP_NET_ADMIN
  epoll_parameters wanted{};
  wanted.busy_poll_us = static_cast<std::uint32_t>(time / std::chrono::microseconds(1));
  wanted.busy_poll_budget = packets_max;
  wanted.prefer_busy_poll = prefer ? 1 : 0;
  return ::ioctl(epoll_descriptor, set_epoll_parameters, &wanted) == 0 ? 0 : -errno;
}

}  // namespace myra::io
