// Messages for people: bytes to JSON and back, a dump with every piece named, and random messages.
// All from the schema at run time; programs use generated code instead.
//
//   bool, integers            true, 42            integers keep all 64 bits
//   floats                    1.5, "nan", "inf", "-inf"
//   string                    "text"; {"hex": "ff00"} where it is not UTF-8
//   bytes                     "00ff10"
//   uuid, decimal             "123e4567-e89b-12d3-a456-426614174000", "12.50"
//   timestamps, durations     "2025-11-10T14:32:05.123Z", 250000000 (nanoseconds)
//   enums                     "buy"; 7 where the schema has no name for it
//   messages                  {"field": ...}; what the bytes do not hold is left out
//   lists, arrays             [...]
//   maps                      {"key": ...} where keys are strings, else [{"key": 1, "value": ...}]
//   oneofs                    {"alternative": ...}
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "myra/schema/layout.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// A schema and which of its messages.
struct message_type {
  const model& schema;
  const layout& places;
  std::uint32_t index = 0;
};

/// A piece of a message and what it means.
struct dump_piece {
  std::size_t offset = 0;
  std::size_t size = 0;
  std::uint32_t depth = 0;  ///< Of nesting.
  std::string meaning;      ///< "order.price = 42"
};

struct decoded_message {
  std::string json;
  std::vector<dump_piece> pieces;  ///< By ascending offset.
};

/// Reads any bytes safely, in time bounded by their number. The error says which rule of
/// docs/wire-format.md broke, at which offset and in which field.
[[nodiscard]] std::expected<decoded_message, std::string> decode_message(const message_type& type,
                                                                         std::string_view bytes);

/// The canonical bytes of what `json` says. A field that is left out has its default, or is absent.
[[nodiscard]] std::expected<std::string, std::string> encode_message(const message_type& type,
                                                                     std::string_view json);

/// The dump of a message: offset, bytes in hex, meaning, a line a piece.
[[nodiscard]] std::string dump_text(std::string_view bytes, const std::vector<dump_piece>& pieces);

/// The JSON of a message that depends on the seed alone.
[[nodiscard]] std::string random_json(const message_type& type, std::uint64_t seed);

inline constexpr std::uint32_t message_depth_max = 64;
inline constexpr std::uint32_t message_element_count_max = 1'000'000;

}  // namespace myra::schema
