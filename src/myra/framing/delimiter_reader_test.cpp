#include "myra/framing/delimiter_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "myra/framing/framing.hpp"
#include "myra/framing/stream_outcome_test.hpp"

namespace myra {
namespace {

static_assert(framing<delimiter_reader>);

using frames = std::vector<std::string>;

test::outcome read(const delimiter& options, std::string_view stream,
                   const std::vector<std::size_t>& cuts = {}) {
  auto reader = delimiter_reader::open(options).value();
  return test::read_in_pieces(reader, stream, cuts);
}

// The outcome is `expected` however the stream is cut.
void expect_outcome(const delimiter& options, std::string_view stream,
                    const test::outcome& expected) {
  test::for_each_cut(stream.size(), [&](const std::vector<std::size_t>& cuts) {
    ASSERT_EQ(read(options, stream, cuts), expected) << testing::PrintToString(cuts);
  });
}

TEST(delimiter_reader, invalid_options_are_named) {
  EXPECT_EQ(delimiter_reader::open({.text = ""}).error().what,
            "delimiter.text.size() is 0, allowed is 1 to 16");
  EXPECT_EQ(delimiter_reader::open({.text = std::string(17, 'x')}).error().what,
            "delimiter.text.size() is 17, allowed is 1 to 16");
  EXPECT_EQ(delimiter_reader::open({.text = "\r\n", .frame_size_max_bytes = 1}).error().what,
            "delimiter.frame_size_max_bytes is 1, allowed is 2 to 9223372036854775807");
}

TEST(delimiter_reader, splits_lines_however_they_are_cut) {
  expect_outcome({}, "one\n\ntwo\n\n\nthree\n", {{"one", "", "two", "", "", "three"}, {}});
  expect_outcome({}, "", {{}, {}});
}

TEST(delimiter_reader, a_long_delimiter_may_straddle_chunks) {
  expect_outcome({.text = "\r\n"}, "a\rb\r\n\r\n\n\r\r\n", {{"a\rb", "", "\n\r"}, {}});
  expect_outcome({.text = "--end--"}, "x--end--end----end--", {{"x", "end--"}, {}});
  expect_outcome({.text = "aab"}, "aaaabaabab", {{"aa", ""}, framing_error::truncated});
  expect_outcome({.text = "\n\n"}, "a\n\n\n\nb\n\n", {{"a", "", "b"}, {}});
}

TEST(delimiter_reader, an_end_inside_a_frame_is_an_error) {
  expect_outcome({.text = "\r\n"}, "one\r\ntwo\r", {{"one"}, framing_error::truncated});
}

TEST(delimiter_reader, the_limit_counts_the_delimiter) {
  const delimiter options{.text = "\r\n", .frame_size_max_bytes = 5};
  expect_outcome(options, "abc\r\nde\r\n", {{"abc", "de"}, {}});
  expect_outcome(options, "ab\r\nabcd\r\n", {{"ab"}, framing_error::frame_too_long});
}

TEST(delimiter_reader, too_long_is_said_before_the_end_of_the_frame_and_names_the_place) {
  auto reader = delimiter_reader::open({.frame_size_max_bytes = 4}).value();
  reader.feed(as_bytes("a\nbcde"));
  EXPECT_EQ(as_text(test::next_frame(reader)), "a");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.error(), framing_error::frame_too_long);
  EXPECT_EQ(describe(reader.report()),
            "frame without its delimiter at byte 6 of the stream, allowed are 4 bytes: "
            "the frame is longer than the limit");
  reader.feed(as_bytes("\nx\n"));
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.finish(), framing_error::frame_too_long);
}

TEST(delimiter_reader, a_whole_frame_is_a_view_into_the_chunk) {
  auto reader = delimiter_reader::open({}).value();
  const std::string chunk = "one\ntwo\nthr";
  reader.feed(as_bytes(chunk));
  EXPECT_EQ(static_cast<const void*>(test::next_frame(reader).data()), chunk.data());
  EXPECT_EQ(static_cast<const void*>(test::next_frame(reader).data()), chunk.data() + 4);
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.bytes_copied(), 3u);
  EXPECT_EQ(reader.pending_size_bytes(), 3u);
}

TEST(delimiter_reader, trim_keeps_an_incomplete_frame) {
  auto reader = delimiter_reader::open({}).value();
  reader.feed(as_bytes("on"));
  EXPECT_FALSE(reader.next());
  reader.trim();
  reader.feed(as_bytes("e\n"));
  EXPECT_EQ(as_text(test::next_frame(reader)), "one");
  reader.trim();
  EXPECT_EQ(reader.pending_size_bytes(), 0u);
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.finish());
}

}  // namespace
}  // namespace myra
