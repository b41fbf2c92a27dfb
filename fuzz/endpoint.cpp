// Addresses: what is read prints as something that reads back equal, whatever it was.
//
// Parser: src/myra/transport/endpoint.cpp
#include "myra/transport/endpoint.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sys/socket.h>

#include "fuzz_input.hpp"

namespace {

/// As the kernel might give it, of any family and size.
void check_from_kernel(const std::uint8_t* data, std::size_t size) {
  sockaddr_storage given{};
  size = std::min(size, sizeof given);
  std::copy_n(data, size, reinterpret_cast<std::uint8_t*>(&given));
  const auto read = myra::endpoint::from_kernel(reinterpret_cast<const sockaddr*>(&given),
                                                static_cast<socklen_t>(size));
  const std::string text = read.to_string();
  fuzz::require(text.empty() == (read.family() == AF_UNSPEC), "an address has a text");
  fuzz::require(read.unix_path().empty() || read.family() == AF_UNIX, "paths are of Unix sockets");
  const auto again = myra::endpoint::from_kernel(read.address(), read.size());
  fuzz::require(again == read, "and once more it is the same");
  auto changed = read;
  changed.set_port(7);
  const bool has_port = read.family() == AF_INET || read.family() == AF_INET6;
  fuzz::require(changed.port() == (has_port ? 7 : 0), "a port can be set where there is one");
  fuzz::require((changed == read) == (!has_port || read.port() == 7), "addresses have ports");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  check_from_kernel(data, size);
  const auto read = myra::endpoint::parse({reinterpret_cast<const char*>(data), size});
  if (!read) {
    fuzz::require(!read.error().what.empty(), "a refusal has a reason");
    return 0;
  }
  const auto again = myra::endpoint::parse(read->to_string());
  fuzz::require(again && *again == *read, "what is printed reads back equal");
  fuzz::require(myra::endpoint::from_kernel(read->address(), read->size()) == *read,
                "the kernel gives back the same");
  return 0;
}
