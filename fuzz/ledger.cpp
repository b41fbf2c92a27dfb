// A ledger that may say anything, read with a schema that it may belong to: refused, or else what
// comes of it reads back.
//
// Parser: src/myra/schema/ledger_read.cpp src/myra/schema/ledger.*
#include "myra/schema/ledger.hpp"

#include <string>

#include "fuzz_input.hpp"
#include "myra/schema/all_types_test.hpp"
#include "myra/schema/compile.hpp"

namespace {

using namespace myra::schema;

compiled compile_with(const std::string& ledger) {
  return compile({.schema_path = "a.myra.yml"},
                 [&](const std::string& path) -> std::expected<std::string, std::string> {
                   return path.ends_with(".lock") ? ledger : all_types_schema;
                 });
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  diagnostics errors;
  const std::uint32_t file = errors.add_file("a.myra.lock");
  const ledger made = read_ledger(text, file, errors);
  if (!errors.empty()) return 0;
  const std::string written = write_ledger(made, "a");
  const ledger again = read_ledger(written, file, errors);
  fuzz::require(errors.empty(), "what was written reads back");
  fuzz::require(write_ledger(again, "a") == written, "and is what it was");
  const compiled first = compile_with(text);
  if (!first.errors.empty()) return 0;
  const compiled second = compile_with(first.ledgers[0].after_text);
  fuzz::require(second.errors.empty(), "the ledger that a schema leaves goes with it");
  fuzz::require(second.ledgers[0].after_text == first.ledgers[0].after_text,
                "and is left alone the second time");
  return 0;
}
