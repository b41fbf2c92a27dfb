// Where a socket is or goes: an address of IPv4, IPv6 or the Unix domain.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "myra/core/error.hpp"

namespace myra {

/// A value of 112 bytes: sockaddr_in, sockaddr_in6 or sockaddr_un.
class endpoint {
 public:
  endpoint() noexcept = default;

  /// Reads "127.0.0.1:7000", "[::1]:7000", "[fe80::1%eth0]:7000", "*:7000" (all IPv6 and IPv4),
  /// "localhost:7000", "unix:/run/x.sock" or "unix:@name" (abstract, unix(7)). Port 0 asks the
  /// kernel for one. Names are not resolved. "localhost" is 127.0.0.1. A Unix path or name has 1 to
  /// 107 bytes. Errors: invalid; the report says what was found and which forms are known.
  [[nodiscard]] static opened<endpoint> parse(std::string_view text);

  /// `address` as the kernel gave it; empty when it is of none of the three families or too short
  /// for its own.
  [[nodiscard]] static endpoint from_kernel(const sockaddr* address, socklen_t size) noexcept;

  [[nodiscard]] const sockaddr* address() const noexcept {
    return reinterpret_cast<const sockaddr*>(storage_.data());
  }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }
  /// AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC when empty.
  [[nodiscard]] int family() const noexcept {
    return size_ == 0 ? AF_UNSPEC : address()->sa_family;
  }
  /// 0 for Unix sockets.
  [[nodiscard]] std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  /// The form that `parse` reads; "" when empty and "unix:" for a Unix socket without a name, which
  /// it does not.
  [[nodiscard]] std::string to_string() const;

  /// The file of a Unix socket that has one; "" for everything else.
  [[nodiscard]] std::string unix_path() const;

  /// The same family, address, port and scope, or the same Unix name.
  friend bool operator==(const endpoint& left, const endpoint& right) noexcept;

 private:
  template <class Address>
  [[nodiscard]] Address as() const noexcept;
  void assign(const void* address, std::size_t size) noexcept;
  [[nodiscard]] static endpoint from_unix_name(std::string_view name) noexcept;
  [[nodiscard]] std::string_view unix_name() const noexcept;

  alignas(8) std::array<std::byte, 110> storage_{};
  std::uint16_t size_ = 0;
};

}  // namespace myra
