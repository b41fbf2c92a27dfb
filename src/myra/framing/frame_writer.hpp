// The header of a length-prefixed frame. The payload is not touched: send the two together.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>

#include "myra/core/bytes.hpp"
#include "myra/core/error.hpp"
#include "myra/core/result.hpp"
#include "myra/framing/framing_error.hpp"
#include "myra/framing/length_prefix.hpp"

namespace myra {

/// The bytes of one header.
struct frame_header {
  std::array<std::byte, length_prefix::width_max_bytes> storage;
  std::size_t size_bytes;

  [[nodiscard]] byte_view bytes() const& noexcept { return {storage.data(), size_bytes}; }
  byte_view bytes() const&& = delete;
};

/// Writes the headers that a frame_reader of the same options reads, and refuses payloads that it
/// would refuse. Immutable: any number of threads may share one.
class frame_writer {
 public:
  /// A writer for valid options. The error is that of validate().
  [[nodiscard]] static std::expected<frame_writer, error_report> open(const length_prefix& prefix) {
    if (auto valid = validate(prefix); !valid) return std::unexpected(valid.error());
    return frame_writer(prefix);
  }

  [[nodiscard]] std::size_t header_size_bytes() const noexcept { return prefix_.width_bytes; }

  /// The header for a payload of `payload_size` bytes. Errors: length_overflow when the width
  /// cannot express it, frame_too_long and frame_too_short when the limits forbid it.
  [[nodiscard]] result<frame_header> header(std::size_t payload_size) const noexcept {
    frame_header encoded;
    const auto written = write_header(encoded.storage, payload_size);
    if (!written) return failure(written.error());
    encoded.size_bytes = *written;
    return encoded;
  }

  /// The same to the start of `target`, which has room for header_size_bytes(); returns that size.
  /// Nothing is written on error.
  [[nodiscard]] result<std::size_t> write_header(mutable_byte_view target,
                                                 std::size_t payload_size) const noexcept {
    assert(target.size() >= prefix_.width_bytes);
    if (const auto refused = check(payload_size)) return failure(refused);
    const std::size_t width = prefix_.width_bytes;
    std::uint64_t length = payload_size + (prefix_.counts == length_counts::frame ? width : 0);
    if (prefix_.order == byte_order::big) length <<= 64 - 8 * width;
    std::array<std::byte, length_prefix::width_max_bytes> padded;
    store(padded.data(), length, prefix_.order);
    std::memcpy(target.data(), padded.data(), width);  // not payload: a header
    return width;
  }

 private:
  explicit frame_writer(const length_prefix& prefix) noexcept : prefix_(prefix) {}

  [[nodiscard]] std::error_code check(std::size_t payload_size) const noexcept {
    const std::size_t width = prefix_.width_bytes;
    const std::uint64_t outside = prefix_.counts == length_counts::frame ? width : 0;
    if (outside > prefix_.length_max() || payload_size > prefix_.length_max() - outside)
      return framing_error::length_overflow;
    if (payload_size > prefix_.frame_size_max_bytes - width) return framing_error::frame_too_long;
    if (payload_size + width < prefix_.frame_size_min_bytes) return framing_error::frame_too_short;
    return {};
  }

  length_prefix prefix_;
};

}  // namespace myra
