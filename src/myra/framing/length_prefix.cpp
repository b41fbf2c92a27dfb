#include "myra/framing/length_prefix.hpp"

#include <cstddef>
#include <string>

#include "myra/framing/framing_error.hpp"

namespace myra {
namespace {

std::unexpected<error_report> refuse(const char* field, std::size_t found,
                                     const std::string& allowed) {
  return std::unexpected<error_report>(
      {framing_error::invalid_option, std::string("length_prefix.") + field + " is " +
                                          std::to_string(found) + ", allowed is " + allowed});
}

std::string range(std::uint64_t low, std::uint64_t high) {
  return std::to_string(low) + " to " + std::to_string(high);
}

}  // namespace

std::expected<void, error_report> validate(const length_prefix& prefix) {
  const std::size_t width = prefix.width_bytes;
  if (width < 1 || width > length_prefix::width_max_bytes)
    return refuse("width_bytes", width, range(1, length_prefix::width_max_bytes));

  constexpr auto object_size_max =
      static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
  const std::size_t size_max = prefix.frame_size_max_bytes;
  if (size_max < width || size_max > object_size_max) {
    return refuse(
        "frame_size_max_bytes", size_max,
        range(width, object_size_max) + " with a header of " + std::to_string(width) + " bytes");
  }

  // The largest frame that both the limit and the width allow; a minimum above it would refuse
  // every frame.
  const std::uint64_t header_part = prefix.counts == length_counts::frame ? 0 : width;
  std::uint64_t reachable = size_max;
  if (prefix.length_max() < size_max - header_part) reachable = prefix.length_max() + header_part;
  if (prefix.frame_size_min_bytes > reachable) {
    return refuse("frame_size_min_bytes", prefix.frame_size_min_bytes,
                  range(0, reachable) + " with a width of " + std::to_string(width) +
                      " bytes and a frame_size_max_bytes of " + std::to_string(size_max));
  }
  return {};
}

}  // namespace myra
