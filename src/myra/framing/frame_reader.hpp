// Bytes in, length-prefixed frames out.
//
//   reader.feed(chunk);
//   while (auto payload = reader.next()) handle(*payload);
//   if (reader.error()) ...
//
// When next() has returned nothing, the reader is done with the chunk: what was left of it is
// stored.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <system_error>

#include "myra/core/bytes.hpp"
#include "myra/core/error.hpp"
#include "myra/framing/frame_assembly.hpp"
#include "myra/framing/framing_error.hpp"
#include "myra/framing/length_prefix.hpp"

namespace myra {

/// Splits one direction of one stream into frames; fed in pieces of any size. A payload that lies
/// whole in the fed chunk is returned as a view into that chunk; only one that straddles chunks is
/// copied, into storage that grows with the bytes that arrive, up to frame_size_max_bytes, and is
/// kept for the next such frame. In the steady state nothing is allocated. Used by one thread at a
/// time.
///
/// States: frame_start -> (header ->) payload -> frame_start; failed from each of them, and for
/// good.
class frame_reader {
 public:
  /// A reader for valid options. The error is that of validate().
  [[nodiscard]] static std::expected<frame_reader, error_report> open(const length_prefix& prefix);

  frame_reader(frame_reader&&) noexcept = default;
  frame_reader& operator=(frame_reader&&) noexcept = default;
  ~frame_reader() = default;

  /// Lends `chunk` to the reader until next() returns nothing. The chunk before must have been read
  /// to its end. A reader that has failed takes no notice of it.
  void feed(byte_view chunk) noexcept {
    assert(cursor_ == end_ && "the chunk before was not read to its end");
    if (state_ == state::failed) return;
    cursor_ = chunk.data();
    end_ = cursor_ + chunk.size();
    bytes_fed_ += chunk.size();
  }

  /// The payload of the next frame, which may be empty. Valid until the next next(), feed() or
  /// trim(), and as long as the chunk. Nothing when more bytes are needed, or when the reader has
  /// failed: ask error().
  [[nodiscard]] std::optional<byte_view> next() noexcept {
    const auto available = static_cast<std::size_t>(end_ - cursor_);
    if (state_ == state::frame_start && available >= width_) [[likely]] {
      const std::uint64_t length = decode(cursor_, available);
      // One comparison for both ends: below the minimum, the difference wraps around.
      if (length - length_min_ <= length_range_) [[likely]] {
        const std::size_t size = static_cast<std::size_t>(length) - length_bias_;
        if (size <= available - width_) [[likely]] {
          const std::byte* payload = cursor_ + width_;
          cursor_ = payload + size;
          return byte_view{payload, size};
        }
      }
    }
    return next_in_pieces();
  }

  /// The stream has ended. framing_error::truncated when it did so inside a frame; an earlier error
  /// is kept.
  std::error_code finish() noexcept;

  /// Why the reader has failed; false in a boolean context when it has not. A frame that is too
  /// long or too short is refused as soon as its header is complete.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

  /// error() with the frame's place in the stream, what was found and what is allowed.
  [[nodiscard]] error_report report() const;

  /// Bytes of an incomplete frame that were fed.
  [[nodiscard]] std::size_t pending_size_bytes() const noexcept;

  /// Payload bytes copied because their frame straddled chunks.
  [[nodiscard]] std::uint64_t bytes_copied() const noexcept { return assembly_.bytes_copied(); }

  /// Storage held for frames that straddle chunks.
  [[nodiscard]] std::size_t storage_size_bytes() const noexcept {
    return assembly_.capacity_bytes();
  }

  /// Gives that storage back, unless a frame is being assembled in it. For streams that fall idle.
  void trim() noexcept;

 private:
  enum class state : std::uint8_t { frame_start, header, payload, failed };

  explicit frame_reader(const length_prefix& prefix) noexcept;

  /// The length in the header at `source`, of which `available` bytes may be read: width_ or more.
  [[nodiscard]] std::uint64_t decode(const std::byte* source,
                                     std::size_t available) const noexcept {
    std::array<std::byte, length_prefix::width_max_bytes> padded{};
    if (available < padded.size()) {
      std::memcpy(padded.data(), source, width_);  // not payload: a header
      source = padded.data();
    }
    const auto loaded = load<std::uint64_t>(source, order_);
    return order_ == byte_order::big ? loaded >> shift_ : loaded << shift_ >> shift_;
  }

  [[nodiscard]] std::optional<byte_view> next_in_pieces() noexcept;
  [[nodiscard]] bool take_header() noexcept;
  [[nodiscard]] std::optional<byte_view> take_payload() noexcept;
  void fail(framing_error why) noexcept;

  const std::byte* cursor_ = nullptr;
  const std::byte* end_ = nullptr;
  state state_ = state::frame_start;
  std::uint8_t header_size_ = 0;  // of header_, filled
  std::uint8_t width_;
  std::uint8_t shift_;  // bits of a 64-bit load that are not the length's
  byte_order order_;
  std::uint64_t length_min_;    // lengths on the wire that are accepted: length_min_ ...
  std::uint64_t length_range_;  // ... to length_min_ + length_range_
  std::size_t length_bias_;     // what the length counts beside the payload
  std::array<std::byte, length_prefix::width_max_bytes> header_{};
  std::uint64_t length_ = 0;      // of the frame in state payload, or that failed
  std::size_t payload_size_ = 0;  // of the frame in state payload
  std::uint64_t bytes_fed_ = 0;
  frame_assembly assembly_;
  std::error_code error_;
};

}  // namespace myra
