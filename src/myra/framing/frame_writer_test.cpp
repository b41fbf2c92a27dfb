#include "myra/framing/frame_writer.hpp"

#include <gtest/gtest.h>

#include <string>

namespace myra {
namespace {

frame_writer writer_for(const length_prefix& prefix) { return frame_writer::open(prefix).value(); }

std::string header_text(const frame_writer& writer, std::size_t payload_size) {
  const auto header = writer.header(payload_size);
  return header ? std::string(as_text(header->bytes())) : header.error().message();
}

constexpr std::size_t no_limit = std::size_t{1} << 62;

TEST(frame_writer, invalid_options_are_refused) {
  EXPECT_FALSE(frame_writer::open({.width_bytes = 0}));
}

TEST(frame_writer, writes_every_width_in_both_byte_orders) {
  using namespace std::string_literals;
  const std::size_t size = 0x0102030405060708;
  for (std::size_t width = 1; width <= 8; ++width) {
    const std::size_t shown = size & length_prefix{.width_bytes = width}.length_max();
    const std::string big = "\x01\x02\x03\x04\x05\x06\x07\x08"s.substr(8 - width);
    const std::string little(big.rbegin(), big.rend());
    length_prefix prefix{.width_bytes = width, .frame_size_max_bytes = no_limit};
    EXPECT_EQ(header_text(writer_for(prefix), shown), big);
    prefix.order = byte_order::little;
    EXPECT_EQ(header_text(writer_for(prefix), shown), little);
  }
}

TEST(frame_writer, counts_the_header_when_asked_to) {
  const auto writer = writer_for({.width_bytes = 2, .counts = length_counts::frame});
  EXPECT_EQ(header_text(writer, 0), std::string("\0\2", 2));
  EXPECT_EQ(header_text(writer, 5), std::string("\0\7", 2));
}

TEST(frame_writer, refuses_what_the_width_cannot_express) {
  const auto one = writer_for({.width_bytes = 1});
  EXPECT_TRUE(one.header(255));
  EXPECT_EQ(one.header(256).error(), framing_error::length_overflow);

  const auto counted = writer_for({.width_bytes = 1, .counts = length_counts::frame});
  EXPECT_TRUE(counted.header(254));
  EXPECT_EQ(counted.header(255).error(), framing_error::length_overflow);

  const auto four = writer_for({.frame_size_max_bytes = no_limit});
  EXPECT_TRUE(four.header(0xffffffff));
  EXPECT_EQ(four.header(0x100000000).error(), framing_error::length_overflow);

  const auto eight = writer_for({.width_bytes = 8, .counts = length_counts::frame});
  EXPECT_EQ(eight.header(SIZE_MAX).error(), framing_error::length_overflow);
  EXPECT_EQ(eight.header(SIZE_MAX - 8).error(), framing_error::frame_too_long);
}

TEST(frame_writer, refuses_what_the_limits_forbid) {
  const auto writer = writer_for({.frame_size_min_bytes = 6, .frame_size_max_bytes = 10});
  EXPECT_EQ(writer.header(1).error(), framing_error::frame_too_short);
  EXPECT_TRUE(writer.header(2));
  EXPECT_TRUE(writer.header(6));
  EXPECT_EQ(writer.header(7).error(), framing_error::frame_too_long);
}

TEST(frame_writer, writes_into_the_callers_bytes_and_no_further) {
  const auto writer = writer_for({.width_bytes = 3});
  std::array<std::byte, 5> target;
  target.fill(std::byte{0xaa});
  EXPECT_EQ(writer.write_header(target, 1 << 21).error(), framing_error::frame_too_long);
  EXPECT_EQ(target[0], std::byte{0xaa});
  EXPECT_EQ(writer.write_header(target, 0x010203).value(), 3u);
  EXPECT_EQ(target[0], std::byte{1});
  EXPECT_EQ(target[2], std::byte{3});
  EXPECT_EQ(target[3], std::byte{0xaa});
}

}  // namespace
}  // namespace myra
