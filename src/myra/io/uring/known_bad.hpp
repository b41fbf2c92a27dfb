// Kernels on which a feature does harm that no trial at start-up would show. The only place where
// a version decides: everything else is found by asking and by trying.
#pragma once

#include <compare>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "myra/io/backend.hpp"

namespace myra::io {

/// Distributions number their patches themselves; the first two numbers mean the same everywhere.
struct kernel_version {
  unsigned major = 0;
  unsigned minor = 0;
  auto operator<=>(const kernel_version&) const = default;
};

/// Of a release as uname(2) gives it, "6.1.0-56-cloud-amd64"; nothing when it begins otherwise.
[[nodiscard]] std::optional<kernel_version> parse_kernel_version(std::string_view release);

struct known_bad {
  kernel_version first;
  kernel_version last;
  bool feature_switches::* feature;
  const char* name;  ///< As the probe calls it.
  const char* why;
};

[[nodiscard]] std::span<const known_bad> known_bad_kernels() noexcept;

/// Switches off what does harm on that kernel. Returns what was on and why it is not any more, in
/// words; empty when nothing changed.
[[nodiscard]] std::string avoid_known_bad(feature_switches& features, kernel_version on);

/// The same for the kernel under us.
[[nodiscard]] std::string avoid_known_bad(feature_switches& features);

}  // namespace myra::io
