// Requests of the Redis protocol: fed in pieces, the parser finds the commands and the error that
// it finds in the whole; limits hold; and a command that is written as an array is read back as it
// was.
//
// Parser: examples/kv/resp_parser.* examples/kv/resp_inline.*
#include "resp_parser.hpp"

#include <string>
#include <vector>

#include "fuzz_input.hpp"
#include "resp_reply.hpp"

namespace {

using namespace kv;

struct outcome {
  fuzz::record commands;  ///< Of each the count of its arguments, and these.
  std::string error;

  friend bool operator==(const outcome&, const outcome&) = default;
};

resp_limits take_limits(fuzz::input& input) {
  const std::uint8_t chosen = input.byte();
  resp_limits limits;
  if ((chosen & 1) != 0) limits.arguments_max = input.byte();
  if ((chosen & 2) != 0) limits.bulk_size_max_bytes = input.byte();
  if ((chosen & 4) != 0) limits.inline_size_max_bytes = input.byte();
  if ((chosen & 8) != 0) limits.request_size_max_bytes = input.byte();
  if ((chosen & 16) != 0) limits.kept_size_max_bytes = input.byte();
  return limits;
}

void check_limits(const resp_limits& limits, resp_command command) {
  fuzz::require(!command.empty(), "a command has a name");
  fuzz::require(command.size() <= limits.arguments_max, "arguments are limited");
  const std::size_t argument_max =
      std::max(limits.bulk_size_max_bytes, limits.inline_size_max_bytes);
  for (const auto argument : command)
    fuzz::require(argument.size() <= argument_max, "the size of an argument is limited");
}

outcome parse(const resp_limits& limits, std::string_view stream,
              const std::vector<std::size_t>& piece_sizes) {
  const std::size_t stored_max =
      std::max(limits.request_size_max_bytes, limits.inline_size_max_bytes + 2) +
      limits.inline_size_max_bytes + 2;
  resp_parser parser(limits);
  outcome seen;
  fuzz::for_each_piece(stream, piece_sizes, [&](std::string_view piece) {
    parser.feed(piece);
    while (const auto command = parser.next()) {
      check_limits(limits, *command);
      seen.commands.add(static_cast<std::uint32_t>(command->size()));
      for (const std::string_view argument : *command) seen.commands.add(argument);
    }
    fuzz::require(parser.pending_size_bytes() <= stored_max, "storage is bounded");
  });
  seen.error = parser.error();
  fuzz::require(parser.failed() == seen.error.starts_with("ERR Protocol error: "),
                "an error has words");
  return seen;
}

void check_round_trip(const outcome& seen, const std::vector<std::size_t>& piece_sizes) {
  std::string stream;
  for (fuzz::record::reader commands(seen.commands); !commands.empty();) {
    const std::uint32_t count = commands.number();
    write_array(stream, count);
    for (std::uint32_t i = 0; i < count; ++i) write_bulk(stream, commands.text());
  }
  const outcome again = parse({}, stream, piece_sizes);
  fuzz::require(again.error.empty(), "what was written is well formed");
  fuzz::require(again.commands == seen.commands, "what was written is read as it was");
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::input input(data, size);
  const resp_limits limits = take_limits(input);
  const auto piece_sizes = input.piece_sizes();
  const std::string_view stream = input.rest();
  const outcome whole = parse(limits, stream, {stream.size()});
  fuzz::require(parse(limits, stream, piece_sizes) == whole,
                "fed in pieces, the outcome is the same");
  check_round_trip(whole, piece_sizes);
  return 0;
}
