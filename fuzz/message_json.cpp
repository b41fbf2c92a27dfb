// Messages of a schema that uses every construct, from bytes and from JSON: refused, or else the
// way to the other form and back leads to the same.
//
// Parser: src/myra/schema/json_input.* src/myra/schema/message_read.cpp
// Parser: src/myra/schema/message_write.cpp src/myra/schema/message_scalar.*
#include <string>

#include "fuzz_input.hpp"
#include "myra/schema/all_types_test.hpp"
#include "myra/schema/compile.hpp"
#include "myra/schema/message_text.hpp"

namespace {

using namespace myra::schema;

compiled compile_with(const std::string& ledger) {
  return compile({.schema_path = "a.myra.yml"},
                 [&](const std::string& path) -> std::expected<std::string, std::string> {
                   if (!path.ends_with(".lock")) return all_types_schema;
                   if (ledger.empty()) return std::unexpected("no such file");
                   return ledger;
                 });
}

/// As if it had been released with its first fields only: messages may be as short as those.
const compiled& all_types() {
  static const compiled made = [] {
    std::string ledger = compile_with({}).ledgers[0].after_text;
    const std::size_t at = ledger.find(" base=", ledger.find(" all base="));
    ledger.replace(at, ledger.find('\n', at) - at, " base=1,0");
    compiled again = compile_with(ledger);
    fuzz::require(again.errors.empty(), "the schema goes with the ledger");
    return again;
  }();
  return made;
}

/// Byte 1 in JSON stands for more than a message can hold whose ends have two bytes.
std::string expanded(std::string_view text) {
  const std::size_t at = text.starts_with('{') ? text.find('\1') : std::string_view::npos;
  std::string made(text.substr(0, at));
  if (at != std::string_view::npos) made.append(66'000, 'x').append(text.substr(at + 1));
  return made;
}

void check_canonical(const message_type& type, const std::string& bytes) {
  const auto decoded = decode_message(type, bytes);
  fuzz::require(decoded.has_value(), "what was encoded can be decoded");
  for (const dump_piece& each : decoded->pieces)
    fuzz::require(each.offset + each.size <= bytes.size(), "a piece lies in the message");
  const auto again = encode_message(type, decoded->json);
  fuzz::require(again == bytes, "canonical bytes come back as they were");
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = expanded({reinterpret_cast<const char*>(data), size});
  const compiled& made = all_types();
  const message_type type{made.schema, made.places, 1};
  if (const auto bytes = encode_message(type, text)) check_canonical(type, *bytes);
  if (const auto decoded = decode_message(type, text)) {
    static_cast<void>(dump_text(text, decoded->pieces));
    if (const auto bytes = encode_message(type, decoded->json)) check_canonical(type, *bytes);
  }
  return 0;
}
