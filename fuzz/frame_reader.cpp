// Length-prefixed frames: fed in pieces, the reader finds what a reader finds that is fed the
// whole, and what the description of the format says; and the writer writes what was read.
//
// Parser: src/myra/framing/frame_*.* src/myra/framing/length_prefix.*
#include "myra/framing/frame_reader.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "failing_allocation.hpp"
#include "fuzz_input.hpp"
#include "myra/framing/frame_writer.hpp"

namespace {

using namespace myra;

struct outcome {
  fuzz::record frames;
  std::error_code error;

  friend bool operator==(const outcome&, const outcome&) = default;
};

length_prefix take_options(fuzz::input& input) {
  const std::uint8_t form = input.byte();
  length_prefix prefix;
  prefix.width_bytes = 1 + (form & 7);
  if (form == 0) prefix.width_bytes = input.byte();
  prefix.order = (form & 8) != 0 ? byte_order::big : byte_order::little;
  prefix.counts = (form & 16) != 0 ? length_counts::frame : length_counts::payload;
  if ((form & 32) != 0) prefix.frame_size_min_bytes = input.byte();
  if ((form & 64) != 0) prefix.frame_size_max_bytes = input.byte();
  if ((form & 128) != 0) prefix.frame_size_max_bytes = std::size_t{1} << 62;
  return prefix;
}

outcome read(const length_prefix& prefix, std::string_view stream,
             const std::vector<std::size_t>& piece_sizes, bool trims = false) {
  auto reader = frame_reader::open(prefix).value();
  outcome seen;
  std::size_t bytes_fed = 0;
  fuzz::for_each_piece(stream, piece_sizes, [&](std::string_view piece) {
    reader.feed(as_bytes(piece));
    while (const auto frame = reader.next()) {
      const std::string_view text = as_text(*frame);
      const bool in_piece =
          text.data() >= piece.data() && text.data() + text.size() <= piece.data() + piece.size();
      if (!text.empty() && text.size() + prefix.width_bytes <= piece.size() && !in_piece)
        fuzz::require(reader.bytes_copied() != 0, "an assembled frame was counted as copied");
      seen.frames.add(text);
    }
    bytes_fed += piece.size();
    fuzz::require(reader.storage_size_bytes() <= std::max<std::size_t>(256, 2 * bytes_fed),
                  "storage grows with what arrived");
    fuzz::require(reader.pending_size_bytes() <= prefix.frame_size_max_bytes, "storage is bounded");
    if (trims) reader.trim();
  });
  seen.error = reader.finish();
  fuzz::require(reader.error() == seen.error, "finish() tells the error");
  fuzz::require(reader.report().what.empty() == !seen.error, "an error has words");
  return seen;
}

// The format as its description has it, byte by byte and without a thought of speed.
outcome read_plainly(const length_prefix& prefix, std::string_view stream) {
  const std::size_t width = prefix.width_bytes;
  outcome seen;
  while (!stream.empty()) {
    if (stream.size() < width) return seen.error = framing_error::truncated, seen;
    unsigned __int128 size = 0;
    for (std::size_t i = 0; i < width; ++i) {
      const std::size_t at = prefix.order == byte_order::big ? i : width - 1 - i;
      size = size * 256 + static_cast<unsigned char>(stream[at]);
    }
    if (prefix.counts == length_counts::payload) size += width;
    if (size < width) return seen.error = framing_error::length_below_header, seen;
    if (size < prefix.frame_size_min_bytes)
      return seen.error = framing_error::frame_too_short, seen;
    if (size > prefix.frame_size_max_bytes) return seen.error = framing_error::frame_too_long, seen;
    if (size > stream.size()) return seen.error = framing_error::truncated, seen;
    const auto frame_size = static_cast<std::size_t>(size);
    seen.frames.add(stream.substr(width, frame_size - width));
    stream.remove_prefix(frame_size);
  }
  return seen;
}

void check_without_memory(const length_prefix& prefix, std::string_view stream,
                          const std::vector<std::size_t>& piece_sizes, const outcome& plain,
                          std::size_t allocation_count) {
  const fuzz::allocations_bounded bound(allocation_count);
  const outcome seen = read(prefix, stream, piece_sizes, true);
  if (seen.error != framing_error::no_memory) return fuzz::require(seen == plain, "it sufficed");
  fuzz::require(plain.frames.starts_with(seen.frames),
                "without memory, the frames are the first ones");
}

/// The writer takes exactly the sizes that the format's description allows.
void check_header(const length_prefix& prefix, std::size_t payload_size) {
  const auto header = frame_writer::open(prefix).value().header(payload_size);
  using wide = unsigned __int128;
  const wide size = wide{payload_size} + prefix.width_bytes;
  const wide length = prefix.counts == length_counts::frame ? size : wide{payload_size};
  const bool may = length <= prefix.length_max() && size >= prefix.frame_size_min_bytes &&
                   size <= prefix.frame_size_max_bytes;
  fuzz::require(header.has_value() == may, "the writer takes what the format allows");
  if (may) fuzz::require(header->bytes().size() == prefix.width_bytes, "a header has its width");
}

void check_writer(const length_prefix& prefix, std::string_view stream, const outcome& seen) {
  const auto writer = frame_writer::open(prefix).value();
  fuzz::require(writer.header_size_bytes() == prefix.width_bytes, "headers have their width");
  std::string written;
  for (fuzz::record::reader frames(seen.frames); !frames.empty();) {
    const std::string_view frame = frames.text();
    const auto header = writer.header(frame.size()).value();
    written += as_text(header.bytes());
    written += frame;
  }
  fuzz::require(stream.starts_with(written), "the writer writes what was read");
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input input(data, size);
  const length_prefix prefix = take_options(input);
  const auto piece_sizes = input.piece_sizes();
  const std::size_t allocation_count = input.byte();
  const std::size_t payload_size = std::size_t{input.byte()} << (input.byte() & 63U);
  const std::string_view stream = input.rest();
  if (!validate(prefix)) {
    fuzz::require(!frame_reader::open(prefix), "invalid options make no reader");
    fuzz::require(!frame_writer::open(prefix), "invalid options make no writer");
    return 0;
  }
  const outcome plain = read_plainly(prefix, stream);
  fuzz::require(read(prefix, stream, {stream.size()}) == plain,
                "fed whole, the frames are the format's");
  fuzz::require(read(prefix, stream, piece_sizes) == plain,
                "fed in pieces, the frames are the same");
  check_without_memory(prefix, stream, piece_sizes, plain, allocation_count);
  check_writer(prefix, stream, plain);
  check_header(prefix, payload_size);
  return 0;
}
