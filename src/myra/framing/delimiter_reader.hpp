// Bytes in, frames that end with a delimiter out: lines, for example. Used as a frame_reader is.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <system_error>

#include "myra/core/bytes.hpp"
#include "myra/core/error.hpp"
#include "myra/framing/frame_assembly.hpp"
#include "myra/framing/framing_error.hpp"

namespace myra {

/// A frame's size is payload and delimiter together.
struct delimiter {
  /// 1 to 16 bytes.
  std::string text = "\n";
  /// The largest frame that is accepted, and with it the bound of what a reader stores for one
  /// stream.
  std::size_t frame_size_max_bytes = std::size_t{64} << 10;

  static constexpr std::size_t text_size_max_bytes = 16;
};

/// Whether frames can be read with `options`. The error is framing_error::invalid_option and names
/// the field, what it holds and what is allowed.
[[nodiscard]] std::expected<void, error_report> validate(const delimiter& options);

/// Splits one direction of one stream at the first delimiter, the next, and so on; fed in pieces of
/// any size. Copies and stores only a frame that straddles chunks, and looks at each byte once.
/// Used by one thread at a time.
class delimiter_reader {
 public:
  /// A reader for valid options. The error is that of validate().
  [[nodiscard]] static std::expected<delimiter_reader, error_report> open(const delimiter& options);

  delimiter_reader(delimiter_reader&&) noexcept = default;
  delimiter_reader& operator=(delimiter_reader&&) noexcept = default;
  ~delimiter_reader() = default;

  /// Lends `chunk` to the reader until next() returns nothing. The chunk before must have been read
  /// to its end. A reader that has failed takes no notice of it.
  void feed(byte_view chunk) noexcept;

  /// The next frame without its delimiter, which may be empty. Valid until the next next(), feed()
  /// or trim(), and as long as the chunk. Nothing when more bytes are needed, or when the reader
  /// has failed: ask error().
  [[nodiscard]] std::optional<byte_view> next() noexcept;

  /// The stream has ended. framing_error::truncated when it did so behind bytes that no delimiter
  /// follows.
  std::error_code finish() noexcept;

  /// Why the reader has failed. A frame that is too long is refused when frame_size_max_bytes bytes
  /// of it are there and no delimiter ends them.
  [[nodiscard]] std::error_code error() const noexcept { return error_; }

  /// error() with the place in the stream and what is allowed.
  [[nodiscard]] error_report report() const;

  /// Bytes of an incomplete frame that were fed.
  [[nodiscard]] std::size_t pending_size_bytes() const noexcept { return assembly_.size(); }

  /// Bytes copied because their frame straddled chunks.
  [[nodiscard]] std::uint64_t bytes_copied() const noexcept { return assembly_.bytes_copied(); }

  /// Gives the storage for frames that straddle chunks back, unless one is being assembled in it.
  void trim() noexcept;

 private:
  explicit delimiter_reader(const delimiter& options);

  [[nodiscard]] const std::byte* find_end(const std::byte* limit) const noexcept;
  [[nodiscard]] bool ends_here(const std::byte* last) const noexcept;
  [[nodiscard]] std::optional<byte_view> take_frame(const std::byte* frame_end) noexcept;
  void fail(framing_error why) noexcept;

  std::string text_;
  std::size_t frame_size_max_;
  const std::byte* cursor_ = nullptr;  // the first byte in the chunk of the current frame
  const std::byte* end_ = nullptr;
  bool delivered_ = false;  // the assembly holds a frame that was returned
  std::uint64_t bytes_fed_ = 0;
  frame_assembly assembly_;
  std::error_code error_;
};

}  // namespace myra
