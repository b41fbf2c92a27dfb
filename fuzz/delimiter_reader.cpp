// Frames that end with a delimiter: fed in pieces, the reader finds what a plain search in the
// whole stream finds.
//
// Parser: src/myra/framing/delimiter_reader.* src/myra/framing/frame_assembly.*
#include "myra/framing/delimiter_reader.hpp"

#include <string>
#include <vector>

#include "failing_allocation.hpp"
#include "fuzz_input.hpp"

namespace {

using namespace myra;

struct outcome {
  fuzz::record frames;
  std::error_code error;

  friend bool operator==(const outcome&, const outcome&) = default;
};

delimiter take_options(fuzz::input& input) {
  delimiter options;
  options.frame_size_max_bytes = input.byte() * std::size_t{4};
  options.text.clear();
  for (std::size_t size = input.byte() % 18; size != 0; --size)
    options.text += static_cast<char>(input.byte());
  return options;
}

outcome read(const delimiter& options, std::string_view stream,
             const std::vector<std::size_t>& piece_sizes) {
  auto reader = delimiter_reader::open(options).value();
  outcome seen;
  fuzz::for_each_piece(stream, piece_sizes, [&](std::string_view piece) {
    reader.feed(as_bytes(piece));
    while (const auto frame = reader.next()) seen.frames.add(as_text(*frame));
    fuzz::require(reader.pending_size_bytes() < options.frame_size_max_bytes, "storage is bounded");
    reader.trim();
  });
  seen.error = reader.finish();
  fuzz::require(reader.error() == seen.error, "finish() tells the error");
  fuzz::require(reader.report().what.empty() == !seen.error, "an error has words");
  return seen;
}

void check_without_memory(const delimiter& options, std::string_view stream,
                          const std::vector<std::size_t>& piece_sizes, const outcome& plain,
                          std::size_t allocation_count) {
  const fuzz::allocations_bounded bound(allocation_count);
  const outcome seen = read(options, stream, piece_sizes);
  if (seen.error != framing_error::no_memory) return fuzz::require(seen == plain, "it sufficed");
  fuzz::require(plain.frames.starts_with(seen.frames),
                "without memory, the frames are the first ones");
}

outcome read_plainly(const delimiter& options, std::string_view stream) {
  outcome seen;
  while (!stream.empty()) {
    const std::size_t at = stream.substr(0, options.frame_size_max_bytes).find(options.text);
    if (at == std::string_view::npos) {
      seen.error = stream.size() < options.frame_size_max_bytes ? framing_error::truncated
                                                                : framing_error::frame_too_long;
      return seen;
    }
    seen.frames.add(stream.substr(0, at));
    stream.remove_prefix(at + options.text.size());
  }
  return seen;
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input input(data, size);
  const delimiter options = take_options(input);
  const auto piece_sizes = input.piece_sizes();
  const std::size_t allocation_count = input.byte();
  const std::string_view stream = input.rest();
  if (!validate(options)) {
    fuzz::require(!delimiter_reader::open(options), "invalid options make no reader");
    return 0;
  }
  const outcome plain = read_plainly(options, stream);
  fuzz::require(read(options, stream, {stream.size()}) == plain,
                "fed whole, the frames are those found plainly");
  fuzz::require(read(options, stream, piece_sizes) == plain,
                "fed in pieces, the frames are the same");
  check_without_memory(options, stream, piece_sizes, plain, allocation_count);
  return 0;
}
