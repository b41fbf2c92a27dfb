#include "myra/io/uring/known_bad.hpp"

#include <sys/utsname.h>

#include <array>
#include <charconv>

namespace myra::io {
namespace {

// The fix came with 6.8 and went back to later patches of 6.6 and 6.7, which their releases do not
// always show: one accept at a time is the safe choice for all of them.
constexpr std::array bad_ones = {
    known_bad{{6, 3},
              {6, 7},
              &feature_switches::multishot_accept,
              "multishot accept",
              "under load Linux 6.3 to 6.7 completes it with descriptors that were never opened "
              "(axboe/liburing#1062)"},
};

}  // namespace

std::optional<kernel_version> parse_kernel_version(std::string_view release) {
  kernel_version found;
  const char* end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, found.major);
  if (major.ec != std::errc() || major.ptr == end || *major.ptr != '.') return std::nullopt;
  if (std::from_chars(major.ptr + 1, end, found.minor).ec != std::errc()) return std::nullopt;
  return found;
}

std::span<const known_bad> known_bad_kernels() noexcept { return bad_ones; }

std::string avoid_known_bad(feature_switches& features, kernel_version on) {
  std::string words;
  for (const known_bad& each : bad_ones) {
    if (on < each.first || on > each.last || !(features.*each.feature)) continue;
    features.*each.feature = false;
    words += words.empty() ? "" : "; ";
    words += std::string(each.name) + " left unused: " + each.why;
  }
  return words;
}

std::string avoid_known_bad(feature_switches& features) {
  utsname kernel{};
  if (::uname(&kernel) != 0) return {};
  const auto version = parse_kernel_version(kernel.release);
  return version ? avoid_known_bad(features, *version) : std::string();
}

}  // namespace myra::io
