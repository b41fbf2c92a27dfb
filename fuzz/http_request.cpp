// Requests of a metrics port: the end of a head is found wherever it is cut, and any head is
// judged.
//
// Parser: src/myra/metrics/http_request.*
#include "myra/metrics/http_request.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace myra::metrics;
  if (size == 0) return 0;
  const std::size_t cut = std::min<std::size_t>(data[0], size - 1);
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);

  const std::size_t end = end_of_head(text, 0);
  fuzz::require(end <= text.size(), "an end is inside");
  const std::size_t in_first_part = end_of_head(text.substr(0, cut), 0);
  fuzz::require((in_first_part == 0 ? end_of_head(text, cut) : in_first_part) == end,
                "a cut does not move the end");

  const http_verdict verdict = judge(text.substr(0, end));
  fuzz::require(status_line(http_status::head_too_large)[0] == '4', "so is a head too large");
  fuzz::require(status_line(verdict.status)[0] == '2' || status_line(verdict.status)[0] == '4',
                "it is the request's fault, or nobody's");
  fuzz::require(
      verdict.status != http_status::ok || text.starts_with("GET ") || text.starts_with("HEAD "),
      "nothing else is answered");
  return 0;
}
