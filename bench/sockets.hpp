// What the echo servers of this folder have in common: address, listener, ready line, end by
// signal.
#pragma once

#include "command_line.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>

namespace myra::bench {

/// Parses `A.B.C.D:PORT`; ends the program with exit code 2 when it is something else.
inline sockaddr_in parse_address(const std::string& text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::size_t colon = text.rfind(':');
  unsigned port = 0;
  char rest = 0;
  if (colon == std::string::npos ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1 ||
      std::sscanf(text.c_str() + colon + 1, "%u%c", &port, &rest) != 1 || port > 65535) {
    fail_usage("'" + text + "' is not an address; expected for example 127.0.0.1:0");
  }
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  return address;
}

inline void set_option(int socket, int level, int option, int value) {
  if (::setsockopt(socket, level, option, &value, sizeof value) != 0) {
    fail_system("setsockopt", errno);
  }
}

/// A listening socket. TCP_NODELAY is set here because accepted sockets inherit it.
inline int open_listener(const sockaddr_in& address, int extra_type_flags) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | extra_type_flags, 0);
  if (listener < 0) fail_system("socket", errno);
  set_option(listener, SOL_SOCKET, SO_REUSEADDR, 1);
  set_option(listener, IPPROTO_TCP, TCP_NODELAY, 1);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail_system("bind", errno);
  }
  if (::listen(listener, 65535) != 0) fail_system("listen", errno);
  return listener;
}

/// A datagram socket that is bound to the address.
inline int open_bound(const sockaddr_in& address) {
  const int bound = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (bound < 0) fail_system("socket", errno);
  if (::bind(bound, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    fail_system("bind", errno);
  }
  return bound;
}

/// Prints `listening on HOST:PORT (NAME)` and flushes it: whoever started the server waits for it.
inline void print_ready(const char* host, unsigned port, const char* name) {
  std::printf("listening on %s:%u (%s)\n", host, port, name);
  std::fflush(stdout);
}

inline void print_ready(int listener, const char* name) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  if (::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    fail_system("getsockname", errno);
  }
  char host[INET_ADDRSTRLEN] = {};
  ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  print_ready(host, ntohs(address.sin_port), name);
}

/// Blocks SIGTERM and SIGINT and returns a descriptor that becomes readable when one arrives.
/// A descriptor, because a flag set by a handler can be missed just before a blocking wait.
inline int open_stop_descriptor() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  const int descriptor = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (descriptor < 0) fail_system("signalfd", errno);
  return descriptor;
}

/// Raises the soft limit of open descriptors to the hard one; returns the limit in force.
inline std::uint32_t raise_descriptor_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur > 1'000'000 ? 1'000'000U : static_cast<std::uint32_t>(limit.rlim_cur);
}

}  // namespace myra::bench
