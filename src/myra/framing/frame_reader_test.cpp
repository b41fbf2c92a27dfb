#include "myra/framing/frame_reader.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "myra/core/allocation_count_test.hpp"
#include "myra/framing/frame_writer.hpp"
#include "myra/framing/framing.hpp"
#include "myra/framing/stream_outcome_test.hpp"

namespace myra {
namespace {

static_assert(framing<frame_reader>);

using frames = std::vector<std::string>;

// The options of every width, byte order and meaning of the length.
std::vector<length_prefix> all_forms(std::size_t size_max = std::size_t{1} << 20) {
  std::vector<length_prefix> forms;
  for (const std::size_t width : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    for (const auto order : {byte_order::big, byte_order::little}) {
      for (const auto counts : {length_counts::payload, length_counts::frame}) {
        forms.push_back({.width_bytes = width,
                         .order = order,
                         .counts = counts,
                         .frame_size_max_bytes = size_max});
      }
    }
  }
  return forms;
}

// A header that holds `length`, whatever the limits say.
std::string raw_header(const length_prefix& prefix, std::uint64_t length) {
  std::string header(prefix.width_bytes, '\0');
  for (std::size_t i = 0; i < prefix.width_bytes; ++i) {
    const std::size_t at = prefix.order == byte_order::little ? i : prefix.width_bytes - 1 - i;
    header[at] = static_cast<char>(length >> (8 * i));
  }
  return header;
}

std::string framed(const length_prefix& prefix, std::string_view payload) {
  const std::size_t counted = prefix.counts == length_counts::frame ? prefix.width_bytes : 0;
  return raw_header(prefix, payload.size() + counted) + std::string(payload);
}

std::string framed(const length_prefix& prefix, const frames& payloads) {
  std::string stream;
  for (const auto& payload : payloads) stream += framed(prefix, payload);
  return stream;
}

test::outcome read(const length_prefix& prefix, std::string_view stream,
                   const std::vector<std::size_t>& cuts = {}) {
  auto reader = frame_reader::open(prefix).value();
  return test::read_in_pieces(reader, stream, cuts);
}

// The outcome is `expected` however the stream is cut.
void expect_outcome(const length_prefix& prefix, std::string_view stream,
                    const test::outcome& expected) {
  test::for_each_cut(stream.size(), [&](const std::vector<std::size_t>& cuts) {
    ASSERT_EQ(read(prefix, stream, cuts), expected)
        << "width " << prefix.width_bytes << ", cuts " << testing::PrintToString(cuts);
  });
}

TEST(frame_reader, invalid_options_are_refused_with_the_field) {
  EXPECT_EQ(frame_reader::open({.width_bytes = 9}).error().what,
            "length_prefix.width_bytes is 9, allowed is 1 to 8");
}

TEST(frame_reader, every_form_in_every_split) {
  const frames payloads{"a", "", "bcd", "0123456789abcdef", "", "", "last"};
  for (const auto& prefix : all_forms())
    expect_outcome(prefix, framed(prefix, payloads), {payloads, {}});
}

TEST(frame_reader, reads_what_the_writer_wrote) {
  for (const auto& prefix : all_forms()) {
    const auto writer = frame_writer::open(prefix).value();
    for (const std::size_t size : {0u, 1u, 17u, 240u}) {
      const std::string payload(size, 'p');
      const auto header = writer.header(size).value();
      const std::string stream = std::string(as_text(header.bytes())) + payload;
      EXPECT_EQ(read(prefix, stream), (test::outcome{{payload}, {}}));
    }
  }
}

TEST(frame_reader, an_empty_stream_has_no_frames) {
  EXPECT_EQ(read({}, ""), test::outcome{});
  auto reader = frame_reader::open({}).value();
  reader.feed({});
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.finish());
}

TEST(frame_reader, an_end_inside_a_frame_is_an_error_at_every_byte) {
  for (const auto& prefix : all_forms()) {
    const std::string stream = framed(prefix, "hello");
    for (std::size_t size = 1; size < stream.size(); ++size) {
      expect_outcome(prefix, std::string_view(stream).substr(0, size),
                     {{}, framing_error::truncated});
    }
  }
}

TEST(frame_reader, lengths_around_the_limit) {
  for (auto prefix : all_forms(100)) {
    const std::size_t payload_max = prefix.frame_size_max_bytes - prefix.width_bytes;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, payload_max - 1, payload_max}) {
      const std::string payload(size, 'p');
      expect_outcome(prefix, framed(prefix, payload), {{payload}, {}});
    }
    const std::string good = framed(prefix, "good");
    const std::string payload(payload_max + 1, 'p');
    // The header alone is enough to refuse the frame.
    const std::string header = framed(prefix, payload).substr(0, prefix.width_bytes);
    expect_outcome(prefix, good + header, {{"good"}, framing_error::frame_too_long});
    expect_outcome(prefix, good + framed(prefix, payload),
                   {{"good"}, framing_error::frame_too_long});
  }
}

TEST(frame_reader, huge_lengths_are_refused_with_the_header) {
  for (const std::uint64_t length :
       {std::uint64_t{1} << 31, (std::uint64_t{1} << 32) - 1, std::uint64_t{1} << 32,
        std::uint64_t{1} << 63, UINT64_MAX - 8, UINT64_MAX}) {
    for (const auto& prefix : all_forms()) {
      if (length > prefix.length_max()) continue;
      expect_outcome(prefix, raw_header(prefix, length) + "xy",
                     {{}, framing_error::frame_too_long});
    }
  }
}

TEST(frame_reader, a_huge_frame_that_is_allowed_takes_memory_as_it_arrives) {
  const length_prefix prefix{.width_bytes = 8, .frame_size_max_bytes = std::size_t{1} << 62};
  auto reader = frame_reader::open(prefix).value();
  const std::string start = raw_header(prefix, std::uint64_t{1} << 61) + std::string(1000, 'x');
  reader.feed(as_bytes(start));
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.error());
  EXPECT_LE(reader.storage_size_bytes(), 2000u);
  EXPECT_EQ(reader.pending_size_bytes(), 1008u);
}

TEST(frame_reader, a_length_below_the_header_that_it_counts_is_an_error) {
  for (const auto& prefix : all_forms()) {
    if (prefix.counts != length_counts::frame) continue;
    for (std::uint64_t length = 0; length < prefix.width_bytes; ++length)
      expect_outcome(prefix, raw_header(prefix, length), {{}, framing_error::length_below_header});
    expect_outcome(prefix, raw_header(prefix, prefix.width_bytes), {{""}, {}});
  }
}

TEST(frame_reader, frames_below_the_minimum_are_refused) {
  for (auto prefix : all_forms()) {
    prefix.frame_size_min_bytes = prefix.width_bytes + 3;
    expect_outcome(prefix, framed(prefix, "abc"), {{"abc"}, {}});
    expect_outcome(prefix, framed(prefix, "ab"), {{}, framing_error::frame_too_short});
  }
}

TEST(frame_reader, the_report_names_place_length_and_limits) {
  auto reader = frame_reader::open({.frame_size_max_bytes = 100}).value();
  EXPECT_EQ(reader.report().code, std::error_code{});
  const std::string stream = framed({}, "abc") + raw_header({}, 97) + "rest";
  reader.feed(as_bytes(stream));
  EXPECT_TRUE(reader.next());
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(
      describe(reader.report()),
      "header that ends at byte 11 of the stream announces a length of 97, allowed is 0 to 96: "
      "the frame is longer than the limit");
}

TEST(frame_reader, the_report_of_a_truncated_stream_names_the_place) {
  auto reader = frame_reader::open({}).value();
  const std::string stream = raw_header({}, 5) + "ab";
  reader.feed(as_bytes(stream));
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.finish(), framing_error::truncated);
  EXPECT_EQ(describe(reader.report()),
            "end at byte 6 of the stream: the stream ended inside a frame");
}

TEST(frame_reader, stays_failed) {
  auto reader = frame_reader::open({.frame_size_max_bytes = 8}).value();
  const std::string bad = raw_header({}, 5) + framed({}, "ok");
  reader.feed(as_bytes(bad));
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(reader.next());
    EXPECT_EQ(reader.error(), framing_error::frame_too_long);
    const std::string good = framed({}, "ok");
    reader.feed(as_bytes(good));
  }
  EXPECT_EQ(reader.finish(), framing_error::frame_too_long);
}

TEST(frame_reader, a_whole_frame_is_a_view_into_the_chunk) {
  for (const auto& prefix : all_forms()) {
    auto reader = frame_reader::open(prefix).value();
    const std::string chunk = framed(prefix, {"first", "", "second"});
    reader.feed(as_bytes(chunk));
    std::size_t at = 0;
    for (const std::size_t size : {5u, 0u, 6u}) {
      at += prefix.width_bytes;
      EXPECT_EQ(static_cast<const void*>(test::next_frame(reader).data()), chunk.data() + at);
      at += size;
    }
    EXPECT_EQ(reader.bytes_copied(), 0u);
  }
}

TEST(frame_reader, a_payload_that_lies_whole_behind_a_cut_header_is_not_copied) {
  auto reader = frame_reader::open({}).value();
  const std::string stream = framed({}, "payload");
  for (std::size_t cut = 1; cut <= 4; ++cut) {
    const std::string head = stream.substr(0, cut);
    const std::string rest = stream.substr(cut);
    reader.feed(as_bytes(head));
    EXPECT_FALSE(reader.next());
    reader.feed(as_bytes(rest));
    EXPECT_EQ(static_cast<const void*>(test::next_frame(reader).data()), rest.data() + 4 - cut);
    EXPECT_FALSE(reader.next());
  }
  EXPECT_EQ(reader.bytes_copied(), 0u);
}

TEST(frame_reader, only_the_frame_that_straddles_is_copied) {
  auto reader = frame_reader::open({}).value();
  const std::string chunk = framed({}, {std::string(200, 'a'), std::string(200, 'b')});
  const std::string head = chunk.substr(0, 300);
  const std::string tail = chunk.substr(300) + framed({}, "next");
  reader.feed(as_bytes(head));
  EXPECT_EQ(test::next_frame(reader).size(), 200u);
  EXPECT_FALSE(reader.next());
  reader.feed(as_bytes(tail));
  EXPECT_EQ(as_text(test::next_frame(reader)), std::string(200, 'b'));
  EXPECT_EQ(as_text(test::next_frame(reader)), "next");
  EXPECT_FALSE(reader.next());
  EXPECT_EQ(reader.bytes_copied(), 200u);
}

TEST(frame_reader, the_steady_state_allocates_nothing) {
  auto reader = frame_reader::open({}).value();
  std::string stream;
  for (int i = 0; i < 100; ++i)
    stream += framed({}, std::string(static_cast<std::size_t>(i) * 37, 'x'));
  std::uint64_t payload_bytes = 0;
  const auto feed_all = [&] {
    for (std::size_t at = 0; at < stream.size(); at += 1000) {
      reader.feed(as_bytes(std::string_view(stream).substr(at, 1000)));
      while (const auto frame = reader.next()) payload_bytes += frame->size();
    }
  };
  feed_all();  // the storage reaches its size
  const std::uint64_t before = test::allocation_count();
  feed_all();
  feed_all();
  EXPECT_EQ(test::allocation_count(), before);
  EXPECT_EQ(payload_bytes, 3u * (stream.size() - 400));
}

TEST(frame_reader, trim_gives_storage_back_but_not_from_under_a_frame) {
  auto reader = frame_reader::open({}).value();
  reader.feed(as_bytes(std::string_view("\0\0\0\3ab", 6)));
  EXPECT_FALSE(reader.next());
  reader.trim();
  EXPECT_NE(reader.storage_size_bytes(), 0u);
  reader.feed(as_bytes("c"));
  EXPECT_EQ(as_text(test::next_frame(reader)), "abc");
  EXPECT_FALSE(reader.next());
  reader.trim();
  EXPECT_EQ(reader.storage_size_bytes(), 0u);
}

TEST(frame_reader, an_incomplete_frame_moves_with_the_reader) {
  auto first = frame_reader::open({}).value();
  first.feed(as_bytes(std::string_view("\0\0\0\3ab", 6)));
  EXPECT_FALSE(first.next());
  frame_reader second(std::move(first));
  second.feed(as_bytes("c"));
  EXPECT_EQ(as_text(test::next_frame(second)), "abc");
}

}  // namespace
}  // namespace myra
