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

const compiled& all_types() {
  static const compiled made =
      compile({.schema_path = "a.myra.yml"},
              [](const std::string& path) -> std::expected<std::string, std::string> {
                if (path.ends_with(".lock")) return std::unexpected("no such file");
                return all_types_schema;
              });
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
  const std::string text(reinterpret_cast<const char*>(data), size);
  const compiled& made = all_types();
  const message_type type{made.schema, made.places, 1};
  if (const auto bytes = encode_message(type, text)) check_canonical(type, *bytes);
  if (const auto decoded = decode_message(type, text)) {
    static_cast<void>(dump_text(text, decoded->pieces));
    if (const auto bytes = encode_message(type, decoded->json)) check_canonical(type, *bytes);
  }
  return 0;
}
