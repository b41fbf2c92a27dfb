// What the cases run on: each backend, and io_uring again with each feature in use switched off.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "myra/reactor/options.hpp"

namespace myra::conformance {

enum class family { ipv4, ipv6, unix_path, unix_abstract };

struct variant {
  std::string name;
  reactor_options options;
  family sockets = family::ipv4;
  [[nodiscard]] bool receives_into_area() const {
    return options.zero_copy_receive.mode != io::zero_copy_receive_mode::off;
  }
  friend std::ostream& operator<<(std::ostream& out, const variant& shown) {
    return out << shown.name;
  }
};

/// All of them, over IPv4. With MYRA_CONFORMANCE_BACKEND=automatic in the environment: one, on the
/// backend that `automatic` takes.
[[nodiscard]] std::vector<variant> variants();

/// The same, and each backend over IPv6 and Unix sockets: for cases in which only the address
/// differs.
[[nodiscard]] std::vector<variant> variants_of_all_families();

/// For datagram sockets: those of IPv4 and IPv6, and without what the kernel does for UDP alone.
[[nodiscard]] std::vector<variant> datagram_variants();

/// From now on there is no other variant than the one of this name.
void keep_only(std::string_view name);

[[nodiscard]] inline std::string name_of(const testing::TestParamInfo<variant>& tested) {
  return tested.param.name;
}

}  // namespace myra::conformance
