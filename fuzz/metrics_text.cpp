// Texts of a metrics port: what is read has names and an end, what is refused says where and why.
//
// Parser: src/myra/metrics/sample.*
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz_input.hpp"
#include "myra/metrics/sample.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto samples = myra::metrics::parse_text(text);
  if (!samples) {
    fuzz::require(!samples.error().what.empty(), "a refusal has a reason");
    return 0;
  }
  fuzz::require(text.find("# EOF") != std::string_view::npos, "a whole text has an end");
  for (const auto& each : *samples) {
    fuzz::require(!each.name.empty(), "a sample has a name");
    fuzz::require(each.label("no name").empty(), "a label that is not there is empty");
    for (const auto& [name, value] : each.labels)
      fuzz::require(!name.empty() && each.label(name).data() != nullptr, "a label has a name");
  }
  return 0;
}
