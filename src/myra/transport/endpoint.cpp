#include "myra/transport/endpoint.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace myra {
namespace {

constexpr std::size_t unix_name_offset = offsetof(sockaddr_un, sun_path);
// A path needs its NUL; an abstract name begins with one.
constexpr std::size_t unix_name_size_max = sizeof(sockaddr_un::sun_path) - 1;

constexpr std::string_view known_forms =
    R"("127.0.0.1:7000", "[::1]:7000", "[fe80::1%eth0]:7000", "*:7000", "localhost:7000", )"
    R"("unix:/run/name.sock" or "unix:@name")";

/// `text` between quotes, with what does not print replaced and no longer than a line of a message
/// bears.
std::string quoted(std::string_view text) {
  constexpr std::size_t size_max = 120;
  std::string shown(text.substr(0, size_max));
  for (char& each : shown)
    if (static_cast<unsigned char>(each) < 0x20 || each == 0x7f) each = '?';
  return '"' + shown + (text.size() > size_max ? "...\"" : "\"");
}

std::unexpected<error_report> refuse(std::string_view text, std::string_view reason) {
  return report(std::make_error_code(std::errc::invalid_argument),
                "address: found " + quoted(text) + ", " + std::string(reason) + "; allowed are " +
                    std::string(known_forms));
}

template <class Integer>
std::optional<Integer> whole_number(std::string_view text) {
  Integer number = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

/// The index of an interface by name or by number.
std::optional<std::uint32_t> scope_of(const std::string& zone) {
  if (const unsigned index = ::if_nametoindex(zone.c_str()); index != 0) return index;
  const auto number = whole_number<std::uint32_t>(zone);
  return number && *number != 0 ? number : std::nullopt;
}

std::string zone_of(std::uint32_t scope) {
  char name[IF_NAMESIZE];
  return ::if_indextoname(scope, name) != nullptr ? name : std::to_string(scope);
}

opened<sockaddr_in6> parse_ipv6(std::string_view text, std::string_view host) {
  const std::size_t percent = host.find('%');
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  if (::inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(), &address.sin6_addr) != 1)
    return refuse(text, quoted(host.substr(0, percent)) + " is no IPv6 address");
  if (percent == std::string_view::npos) return address;
  const std::string zone(host.substr(percent + 1));
  const auto scope = scope_of(zone);
  if (!scope) return refuse(text, "there is no network interface " + quoted(zone));
  address.sin6_scope_id = *scope;
  return address;
}

opened<sockaddr_in> parse_ipv4(std::string_view text, std::string_view host) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (host == "localhost") host = "127.0.0.1";
  if (::inet_pton(AF_INET, std::string(host).c_str(), &address.sin_addr) == 1) return address;
  if (host.empty()) return refuse(text, "nothing before the port");
  if (host.find(':') != std::string_view::npos)
    return refuse(text, "an IPv6 address stands between brackets");
  return refuse(text, quoted(host) + " is no IPv4 address, and names are not resolved here");
}

}  // namespace

template <class Address>
Address endpoint::as() const noexcept {
  Address address;
  // not payload: an address
  std::memcpy(&address, storage_.data(), std::min(sizeof address, storage_.size()));
  return address;
}

void endpoint::assign(const void* address, std::size_t size) noexcept {
  std::memcpy(storage_.data(), address, size);  // not payload: an address
  size_ = static_cast<std::uint16_t>(size);
}

/// `name` as the kernel keeps it: an abstract one begins with NUL, a path has none. One of 108
/// bytes leaves no room for the NUL behind it, which the kernel does not need.
endpoint endpoint::from_unix_name(std::string_view name) noexcept {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, name.data(), name.size());  // not payload: an address
  const bool is_path = !name.empty() && name.front() != '\0';
  endpoint made;
  made.assign(&address,
              std::min(unix_name_offset + name.size() + (is_path ? 1 : 0), sizeof address));
  return made;
}

/// The reverse; borrowed from this.
std::string_view endpoint::unix_name() const noexcept {
  const auto* bytes = reinterpret_cast<const char*>(storage_.data()) + unix_name_offset;
  const std::size_t size = size_ - unix_name_offset;
  const bool is_path = size > 0 && bytes[0] != '\0';
  return {bytes, is_path ? ::strnlen(bytes, size) : size};
}

std::string endpoint::unix_path() const {
  if (family() != AF_UNIX) return {};
  const std::string_view name = unix_name();
  return name.empty() || name.front() == '\0' ? std::string() : std::string(name);
}

opened<endpoint> endpoint::parse(std::string_view text) {
  constexpr std::string_view unix_prefix = "unix:";
  if (text.starts_with(unix_prefix)) {
    std::string name(text.substr(unix_prefix.size()));
    const bool is_abstract = name.starts_with('@');
    if (name.size() == (is_abstract ? 1 : 0)) return refuse(text, "no name after it");
    // An abstract name counts without its '@', which stands for the NUL in front of it.
    const std::size_t size = name.size() - (is_abstract ? 1 : 0);
    if (size > unix_name_size_max)
      return refuse(text, "a name of " + std::to_string(size) +
                              " bytes where a Unix socket may have " +
                              std::to_string(unix_name_size_max));
    if (name.find('\0') != std::string::npos) return refuse(text, "a NUL byte in the name");
    if (is_abstract) name.front() = '\0';
    return from_unix_name(name);
  }

  if (text.find('\0') != std::string_view::npos) return refuse(text, "a NUL byte in it");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']'))
    return refuse(text, "no port at its end");
  const std::string_view host = text.substr(0, colon);
  const auto port = whole_number<std::uint16_t>(text.substr(colon + 1));
  if (!port)
    return refuse(
        text, "the port " + quoted(text.substr(colon + 1)) + " is not a number from 0 to 65535");

  endpoint made;
  if (host == "*" || host.starts_with('[')) {
    if (host != "*" && !host.ends_with(']')) return refuse(text, "no ']' before the port");
    const auto address = parse_ipv6(text, host == "*" ? "::" : host.substr(1, host.size() - 2));
    if (!address) return std::unexpected(address.error());
    made.assign(&*address, sizeof *address);
  } else {
    const auto address = parse_ipv4(text, host);
    if (!address) return std::unexpected(address.error());
    made.assign(&*address, sizeof *address);
  }
  made.set_port(*port);
  return made;
}

endpoint endpoint::from_kernel(const sockaddr* address, socklen_t size) noexcept {
  endpoint made;
  if (address == nullptr || size < sizeof(sa_family_t)) return made;
  switch (address->sa_family) {
    case AF_INET:
      if (size >= sizeof(sockaddr_in)) made.assign(address, sizeof(sockaddr_in));
      return made;
    case AF_INET6:
      if (size >= sizeof(sockaddr_in6)) made.assign(address, sizeof(sockaddr_in6));
      return made;
    case AF_UNIX: {
      // The kernel may count the NUL of a path or leave it out; made anew, equal names are equal.
      made.assign(address, std::min<std::size_t>(size, sizeof(sockaddr_un)));
      return from_unix_name(made.unix_name());
    }
    default: return made;
  }
}

std::uint16_t endpoint::port() const noexcept {
  switch (family()) {
    case AF_INET: return ntohs(as<sockaddr_in>().sin_port);
    case AF_INET6: return ntohs(as<sockaddr_in6>().sin6_port);
    default: return 0;
  }
}

void endpoint::set_port(std::uint16_t port) noexcept {
  if (family() == AF_INET) {
    auto changed = as<sockaddr_in>();
    changed.sin_port = htons(port);
    assign(&changed, sizeof changed);
  } else if (family() == AF_INET6) {
    auto changed = as<sockaddr_in6>();
    changed.sin6_port = htons(port);
    assign(&changed, sizeof changed);
  }
}

std::string endpoint::to_string() const {
  char text[INET6_ADDRSTRLEN];
  switch (family()) {
    case AF_INET: {
      const auto address = as<sockaddr_in>();
      ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
      return std::string(text) + ':' + std::to_string(port());
    }
    case AF_INET6: {
      const auto address = as<sockaddr_in6>();
      ::inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
      const std::string zone =
          address.sin6_scope_id == 0 ? "" : '%' + zone_of(address.sin6_scope_id);
      return '[' + std::string(text) + zone + "]:" + std::to_string(port());
    }
    case AF_UNIX: {
      std::string name(unix_name());
      if (name.starts_with('\0')) name.front() = '@';
      return "unix:" + name;
    }
    default: return {};
  }
}

bool operator==(const endpoint& left, const endpoint& right) noexcept {
  if (left.family() != right.family()) return false;
  switch (left.family()) {
    case AF_INET: {
      const auto a = left.as<sockaddr_in>();
      const auto b = right.as<sockaddr_in>();
      return a.sin_addr.s_addr == b.sin_addr.s_addr && a.sin_port == b.sin_port;
    }
    case AF_INET6: {
      const auto a = left.as<sockaddr_in6>();
      const auto b = right.as<sockaddr_in6>();
      return std::memcmp(&a.sin6_addr, &b.sin6_addr, sizeof a.sin6_addr) == 0 &&
             a.sin6_port == b.sin6_port && a.sin6_scope_id == b.sin6_scope_id;
    }
    case AF_UNIX: return left.unix_name() == right.unix_name();
    default: return true;
  }
}

}  // namespace myra
