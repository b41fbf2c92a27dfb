#include "dns_message.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "dns_request_test.hpp"

namespace dns {
namespace {

TEST(wire_name, is_of_labels_in_lower_case) {
  const auto name = wire_name::parse("WWW.Example.test");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->bytes(), name_bytes("www.example.test"));
  EXPECT_EQ(wire_name::parse("example.test.")->bytes(), name_bytes("example.test"));
  EXPECT_EQ(wire_name::parse("")->bytes(), std::string_view("\0", 1));
}

TEST(wire_name, has_bounds) {
  const std::string label(63, 'a');
  EXPECT_TRUE(wire_name::parse(label));
  EXPECT_FALSE(wire_name::parse(label + "a"));
  EXPECT_FALSE(wire_name::parse("a..b"));
  EXPECT_FALSE(wire_name::parse("a.."));
  EXPECT_FALSE(wire_name::parse(".a"));
  // 3 x 64 + 62 + 1 = 255.
  const std::string three = label + "." + label + "." + label + ".";
  EXPECT_TRUE(wire_name::parse(three + std::string(61, 'b')));
  EXPECT_FALSE(wire_name::parse(three + std::string(62, 'b')));
}

TEST(query, is_read) {
  const std::string bytes = request("WWW.example.test", record_type::aaaa);
  const auto found = read_query(myra::as_bytes(bytes));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->fault, response_code::no_error);
  EXPECT_EQ(found->id, 0x1234);
  EXPECT_TRUE(found->recursion_desired);
  EXPECT_EQ(found->name->bytes(), name_bytes("www.example.test"));
  EXPECT_EQ(found->type, record_type::aaaa);
  EXPECT_EQ(myra::as_text(found->question), std::string_view(bytes).substr(12));
  EXPECT_FALSE(found->has_edns);
  EXPECT_EQ(found->reply_size_max, 512);
}

TEST(query, tells_by_edns_what_it_takes) {
  const auto size_of = [](unsigned size) {
    const std::string bytes = with_edns(request("a.test", record_type::a), size);
    const auto found = read_query(myra::as_bytes(bytes));
    EXPECT_TRUE(found->has_edns);
    return found->reply_size_max;
  };
  EXPECT_EQ(size_of(4096), reply_size_max_bytes);
  EXPECT_EQ(size_of(900), 900);
  EXPECT_EQ(size_of(1), 512);
}

TEST(query, without_an_answer) {
  const std::string bytes = request("a.test", record_type::a);
  for (std::size_t size = 0; size < header_size_bytes; ++size)
    EXPECT_FALSE(read_query(myra::as_bytes(bytes).first(size))) << size;
  EXPECT_FALSE(read_query(myra::as_bytes(request("a.test", record_type::a, 0x8000))))
      << "answers to answers would never end";
}

TEST(query, that_is_not_well_formed) {
  const auto fault_of = [](const std::string& bytes) {
    return read_query(myra::as_bytes(bytes))->fault;
  };
  const std::string good = with_edns(request("www.example.test", record_type::a), 1232);
  for (std::size_t size = header_size_bytes; size < good.size(); ++size)
    EXPECT_EQ(fault_of(good.substr(0, size)), response_code::format_error) << size;
  std::string none = good;
  none[5] = 0;
  EXPECT_EQ(fault_of(none), response_code::format_error) << "no question";
  std::string two = good;
  two[5] = 2;
  EXPECT_EQ(fault_of(two), response_code::format_error) << "two questions";
  std::string pointing = request("", record_type::a);
  pointing[12] = static_cast<char>(0xc0);
  EXPECT_EQ(fault_of(pointing), response_code::format_error) << "a pointer in a question";
  EXPECT_EQ(fault_of(request("a.test", record_type::a, 0x2800)), response_code::not_implemented);
}

}  // namespace
}  // namespace dns
