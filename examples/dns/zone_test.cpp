#include "zone.hpp"

#include <gtest/gtest.h>

#include <array>

#include "dns_request_test.hpp"

namespace dns {
namespace {

constexpr std::string_view text =
    "# a zone\n"
    "example.test      SOA   ns.example.test\n"
    "\n"
    "www.example.test  A     192.0.2.1   # the first\n"
    "www.Example.test  A     192.0.2.2\n"
    "www.example.test  AAAA  2001:db8::1\n"
    "a.deep.example.test TXT some words \r\n";

class zone_test : public testing::Test {
 protected:
  zone_test() : zone_(zone::parse(text, "text").value()) {}

  struct reply {
    std::string bytes;
    [[nodiscard]] unsigned at16(std::size_t at) const {
      return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) << 8U |
             static_cast<unsigned char>(bytes[at + 1]);
    }
    [[nodiscard]] unsigned code() const { return at16(2) & 0xfU; }
    [[nodiscard]] bool truncated() const { return (at16(2) & 0x0200U) != 0; }
    [[nodiscard]] unsigned answers() const { return at16(6); }
    [[nodiscard]] unsigned authorities() const { return at16(8); }
  };
  reply ask(const std::string& bytes) {
    std::array<std::byte, reply_size_max_bytes> target{};
    return {std::string(myra::as_text(respond(zone_, myra::as_bytes(bytes), target)))};
  }

  zone zone_;
};

TEST_F(zone_test, answers_with_all_records_of_the_type) {
  const std::string asked = request("www.example.test", record_type::a);
  const reply told = ask(asked);
  EXPECT_EQ(told.at16(0), 0x1234U);
  EXPECT_EQ(told.at16(2), 0x8500U) << "an answer, authoritative, recursion was desired";
  EXPECT_EQ(told.answers(), 2U);
  EXPECT_EQ(told.authorities(), 0U);
  EXPECT_EQ(told.bytes.substr(12, asked.size() - 12), asked.substr(12));
  EXPECT_EQ(told.bytes.substr(asked.size()),
            std::string("\xc0\x0c\0\1\0\1\0\0\x01\x2c\0\4\xc0\0\2\1"
                        "\xc0\x0c\0\1\0\1\0\0\x01\x2c\0\4\xc0\0\2\2",
                        32));
}

TEST_F(zone_test, knows_names_without_their_case) {
  EXPECT_EQ(ask(request("wWw.eXample.TEST", record_type::aaaa)).answers(), 1U);
}

TEST_F(zone_test, answers_any_with_everything) {
  EXPECT_EQ(ask(request("www.example.test", record_type::any)).answers(), 3U);
}

TEST_F(zone_test, answers_with_text) {
  const reply told = ask(request("a.deep.example.test", record_type::txt));
  EXPECT_EQ(told.answers(), 1U);
  EXPECT_TRUE(told.bytes.ends_with("\x0asome words"));
}

TEST_F(zone_test, tells_a_name_that_is_not_there_from_a_type_that_is_not_there) {
  const reply no_name = ask(request("none.example.test", record_type::a));
  EXPECT_EQ(no_name.code(), 3U);
  EXPECT_EQ(no_name.answers(), 0U);
  EXPECT_EQ(no_name.authorities(), 1U);
  for (const char* name : {"example.test", "deep.example.test"}) {
    const reply no_type = ask(request(name, record_type::a));
    EXPECT_EQ(no_type.code(), 0U) << name;
    EXPECT_EQ(no_type.answers(), 0U);
    EXPECT_EQ(no_type.authorities(), 1U);
  }
}

TEST_F(zone_test, refuses_what_is_not_its_own) {
  EXPECT_EQ(ask(request("example.com", record_type::a)).code(), 5U);
  EXPECT_EQ(ask(request("notexample.test", record_type::a)).code(), 5U);
  EXPECT_EQ(ask(request("", record_type::a)).code(), 5U);
  std::string chaos = request("www.example.test", record_type::a);
  chaos.back() = 3;
  EXPECT_EQ(ask(chaos).code(), 5U);
}

TEST_F(zone_test, speaks_edns_of_version_0) {
  const reply told = ask(with_edns(request("www.example.test", record_type::a), 4096));
  EXPECT_EQ(told.at16(10), 1U);
  EXPECT_TRUE(told.bytes.ends_with(std::string("\0\0\x29\x04\xd0\0\0\0\0\0\0", 11)));
  const reply newer = ask(with_edns(request("www.example.test", record_type::a), 4096, 1));
  EXPECT_EQ(newer.answers(), 0U);
  EXPECT_TRUE(newer.bytes.ends_with(std::string("\0\0\x29\x04\xd0\1\0\0\0\0\0", 11)));
}

TEST_F(zone_test, says_when_not_everything_fitted) {
  std::string large(text);
  for (int i = 0; i < 40; ++i) large += "many.example.test A 192.0.2." + std::to_string(i) + "\n";
  zone_ = zone::parse(large, "text").value();
  const reply plain = ask(request("many.example.test", record_type::a));
  EXPECT_TRUE(plain.truncated());
  EXPECT_LE(plain.bytes.size(), 512U);
  EXPECT_EQ(plain.answers(), (512U - 12 - 23) / 16);
  const reply roomy = ask(with_edns(request("many.example.test", record_type::a), 1232));
  EXPECT_FALSE(roomy.truncated());
  EXPECT_EQ(roomy.answers(), 40U);
}

TEST_F(zone_test, says_what_is_wrong_with_a_question) {
  std::string bad = request("www.example.test", record_type::a);
  bad.resize(20);
  const reply told = ask(bad);
  EXPECT_EQ(told.code(), 1U);
  EXPECT_EQ(told.bytes.size(), 12U);
  EXPECT_EQ(ask(request("a.test", record_type::a, 0x2800)).code(), 4U);
  EXPECT_TRUE(ask("short").bytes.empty());
}

TEST(zone_text, is_refused_by_its_line) {
  const auto complaint = [](std::string_view line) {
    const auto made = zone::parse("example.test SOA ns.example.test\n" + std::string(line), "file");
    return made ? std::string() : made.error().what;
  };
  EXPECT_TRUE(complaint("x.example.test A 1.2.3").starts_with("file:2: found no IPv4 address"));
  EXPECT_TRUE(complaint("x.example.test AAAA 1.2.3.4").starts_with("file:2: found no IPv6"));
  EXPECT_TRUE(complaint("x.example.test MX mail").starts_with("file:2: found the type 'MX'"));
  EXPECT_TRUE(complaint("a..b A 1.2.3.4").starts_with("file:2: found a name that is none"));
  EXPECT_TRUE(complaint("www.other.test A 1.2.3.4").starts_with("file:2: found a name outside"));
  EXPECT_TRUE(complaint("x.example.test TXT " + std::string(1001, 'x')).starts_with("file:2: "));
  EXPECT_EQ(complaint("x.example.test TXT " + std::string(1000, 'x')), "");
  EXPECT_FALSE(zone::parse("", "file"));
  EXPECT_FALSE(zone::parse("example.test A 192.0.2.1", "file"));
}

}  // namespace
}  // namespace dns
