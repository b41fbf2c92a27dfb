// A socket address as bytes that can be compared, and what a simulated network makes of it.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace myra::sim {

class address {
 public:
  address() noexcept = default;
  address(const sockaddr* from, socklen_t size) noexcept;

  /// 10.0.0.`host` or fd00::`host`; for the families that have ports.
  [[nodiscard]] static address of_host(int family, unsigned host, std::uint16_t port) noexcept;

  [[nodiscard]] int family() const noexcept { return family_; }
  [[nodiscard]] std::uint16_t port() const noexcept;
  void set_port(std::uint16_t port) noexcept;
  /// 0.0.0.0 or ::.
  [[nodiscard]] bool is_any() const noexcept;
  [[nodiscard]] bool is_loopback() const noexcept;
  /// To all of a network, which a stream cannot be.
  [[nodiscard]] bool is_broadcast() const noexcept;
  /// The number of the host of this address; 0 when it is none of the simulated network's.
  [[nodiscard]] unsigned host() const noexcept;
  /// From a block that is reserved for documentation (RFC 5737, 3849): nobody answers there.
  [[nodiscard]] bool is_silent() const noexcept;
  /// A Unix address without a name.
  [[nodiscard]] bool is_unnamed() const noexcept;
  [[nodiscard]] bool is_path() const noexcept;
  /// The same family and host or name, whatever the port.
  [[nodiscard]] bool same_host(const address& other) const noexcept;
  [[nodiscard]] bool same_name(const address& other) const noexcept;

  [[nodiscard]] const sockaddr* data() const noexcept {
    return reinterpret_cast<const sockaddr*>(bytes_.data());
  }
  [[nodiscard]] socklen_t size() const noexcept { return size_; }
  /// As getsockname(2) gives it: at most `*size` bytes, and the whole size in `*size`.
  void store(sockaddr* to, socklen_t* size) const noexcept;

 private:
  template <class Address>
  [[nodiscard]] Address as() const noexcept;
  [[nodiscard]] std::string name() const;

  alignas(8) std::array<std::byte, 112> bytes_{};
  socklen_t size_ = 0;
  int family_ = AF_UNSPEC;
};

}  // namespace myra::sim
