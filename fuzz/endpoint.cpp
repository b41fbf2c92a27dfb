// Addresses: what is read prints as something that reads back equal, whatever it was.
//
// Parser: src/myra/transport/endpoint.cpp
#include "myra/transport/endpoint.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "fuzz_input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = myra::endpoint::parse({reinterpret_cast<const char*>(data), size});
  if (!read) {
    fuzz::require(!read.error().what.empty(), "a refusal has a reason");
    return 0;
  }
  const auto again = myra::endpoint::parse(read->to_string());
  fuzz::require(again && *again == *read, "what is printed reads back equal");
  fuzz::require(myra::endpoint::from_kernel(read->address(), read->size()) == *read,
                "the kernel gives back the same");
  return 0;
}
