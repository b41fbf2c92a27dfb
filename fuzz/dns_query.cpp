// Questions to the DNS example: whatever comes, the reply is one, fits, and answers that question.
//
// Parser: examples/dns/dns_message.*
#include <array>
#include <cstring>
#include <memory>

#include "fuzz_input.hpp"
#include "zone.hpp"

namespace {

const dns::zone& sample() {
  static const dns::zone made = [] {
    std::string text =
        "example.test SOA ns.example.test\nwww.example.test AAAA 2001:db8::1\n"
        "a.b.example.test TXT " +
        std::string(600, 't') + "\n";
    for (int i = 0; i < 90; ++i) text += "many.example.test A 192.0.2." + std::to_string(i) + "\n";
    return dns::zone::parse(text, "sample").value();
  }();
  return made;
}

/// Of a text: what is read stands on the wire as it is read from there.
void check_name(std::string_view text) {
  const auto name = dns::wire_name::parse(text);
  if (!name) return;
  std::size_t at = 0;
  const auto again = dns::wire_name::read(myra::as_bytes(name->bytes()), at);
  fuzz::require(again && again->bytes() == name->bytes() && at == name->bytes().size(),
                "a name is read as it is written");
}

}  // namespace

// libFuzzer gives the name.
// NOLINTNEXTLINE(readability-identifier-naming)
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const myra::byte_view request{reinterpret_cast<const std::byte*>(data), size};
  // Of exactly its size, so that AddressSanitizer sees a write behind it.
  const auto memory = std::make_unique<std::array<std::byte, dns::reply_size_max_bytes>>();
  const myra::byte_view reply = dns::respond(sample(), request, *memory);
  check_name(myra::as_text(request));
  const bool is_due = size >= dns::header_size_bytes && (data[2] & 0x80) == 0;
  fuzz::require(reply.empty() != is_due, "every question is answered, and no answer");
  if (reply.empty()) return 0;
  fuzz::require(std::memcmp(reply.data(), data, 2) == 0, "a reply has the question's number");
  fuzz::require((static_cast<unsigned>(reply[2]) & 0x80U) != 0, "a reply says that it is one");
  const auto asked = dns::read_query(request);
  fuzz::require(asked && reply.size() <= asked->reply_size_max, "a reply fits");
  fuzz::require(!dns::read_query(reply), "a reply is not answered");
  return 0;
}
