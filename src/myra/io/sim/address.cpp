#include "myra/io/sim/address.hpp"

#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>

namespace myra::sim {

address::address(const sockaddr* from, socklen_t size) noexcept
    : size_(std::min<socklen_t>(size, sizeof bytes_)) {
  if (from == nullptr || size < sizeof(sa_family_t)) return;
  std::memcpy(bytes_.data(), from, size_);
  family_ = from->sa_family;
  if (family_ == AF_INET) size_ = std::min<socklen_t>(size_, sizeof(sockaddr_in));
  if (family_ == AF_INET6) size_ = std::min<socklen_t>(size_, sizeof(sockaddr_in6));
}

template <class Address>
Address address::as() const noexcept {
  Address value{};
  std::memcpy(&value, bytes_.data(), std::min(sizeof value, sizeof bytes_));
  return value;
}

address address::of_host(int family, unsigned host, std::uint16_t port) noexcept {
  if (family == AF_INET6) {
    sockaddr_in6 made{};
    made.sin6_family = AF_INET6;
    made.sin6_port = htons(port);
    made.sin6_addr.s6_addr[0] = 0xfd;
    made.sin6_addr.s6_addr[15] = static_cast<std::uint8_t>(host);
    return {reinterpret_cast<const sockaddr*>(&made), sizeof made};
  }
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  made.sin_addr.s_addr = htonl(0x0a000000U | host);
  return {reinterpret_cast<const sockaddr*>(&made), sizeof made};
}

std::uint16_t address::port() const noexcept {
  if (family_ == AF_INET) return ntohs(as<sockaddr_in>().sin_port);
  if (family_ == AF_INET6) return ntohs(as<sockaddr_in6>().sin6_port);
  return 0;
}

void address::set_port(std::uint16_t port) noexcept {
  // Both families keep it at the same place.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  const std::uint16_t stored = htons(port);
  if (family_ == AF_INET || family_ == AF_INET6)
    std::memcpy(bytes_.data() + offsetof(sockaddr_in, sin_port), &stored, sizeof stored);
}

bool address::is_any() const noexcept {
  if (family_ == AF_INET) return as<sockaddr_in>().sin_addr.s_addr == INADDR_ANY;
  const auto six = as<sockaddr_in6>();
  return family_ == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&six.sin6_addr);
}

bool address::is_loopback() const noexcept {
  if (family_ == AF_UNIX) return true;
  if (family_ == AF_INET) return ntohl(as<sockaddr_in>().sin_addr.s_addr) >> 24 == 127;
  const auto six = as<sockaddr_in6>();
  return family_ == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
}

bool address::is_broadcast() const noexcept {
  if (family_ != AF_INET) return false;
  const std::uint32_t value = ntohl(as<sockaddr_in>().sin_addr.s_addr);
  return value == INADDR_BROADCAST || value == 0x7fffffff;  // the latter of the loopback network
}

unsigned address::host() const noexcept {
  if (family_ == AF_INET) {
    const std::uint32_t value = ntohl(as<sockaddr_in>().sin_addr.s_addr);
    return value >> 16 == 0x0a00 ? value & 0xffff : 0;
  }
  const auto six = as<sockaddr_in6>();
  return family_ == AF_INET6 && six.sin6_addr.s6_addr[0] == 0xfd ? six.sin6_addr.s6_addr[15] : 0;
}

bool address::is_silent() const noexcept {
  if (family_ == AF_INET) {
    const std::uint32_t block = ntohl(as<sockaddr_in>().sin_addr.s_addr) >> 8;
    return block == 0xc00002 || block == 0xc63364 || block == 0xcb0071;
  }
  const auto six = as<sockaddr_in6>();
  const std::uint8_t* part = six.sin6_addr.s6_addr;
  return family_ == AF_INET6 && part[0] == 0x20 && part[1] == 0x01 && part[2] == 0x0d &&
         part[3] == 0xb8;
}

std::string address::name() const {
  constexpr std::size_t offset = offsetof(sockaddr_un, sun_path);
  if (family_ != AF_UNIX || size_ <= offset) return {};
  std::string text(reinterpret_cast<const char*>(bytes_.data()) + offset, size_ - offset);
  if (text.front() != '\0') text.resize(::strnlen(text.data(), text.size()));
  return text;
}

bool address::is_unnamed() const noexcept { return name().empty(); }
bool address::is_path() const noexcept {
  const std::string text = name();
  return !text.empty() && text.front() != '\0';
}
bool address::same_name(const address& other) const noexcept {
  return family_ == AF_UNIX && other.family_ == AF_UNIX && name() == other.name();
}

bool address::same_host(const address& other) const noexcept {
  if (family_ != other.family_) return false;
  if (family_ == AF_INET)
    return as<sockaddr_in>().sin_addr.s_addr == other.as<sockaddr_in>().sin_addr.s_addr;
  const auto mine = as<sockaddr_in6>();
  const auto theirs = other.as<sockaddr_in6>();
  return family_ == AF_INET6 && IN6_ARE_ADDR_EQUAL(&mine.sin6_addr, &theirs.sin6_addr);
}

void address::store(sockaddr* to, socklen_t* size) const noexcept {
  std::memcpy(to, bytes_.data(), std::min(*size, size_));
  *size = size_;
}

}  // namespace myra::sim
