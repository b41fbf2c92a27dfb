// Frames over real connections: they do not depend on how the stream was cut.
#include "fixture.hpp"
#include "myra/framing/delimiter_reader.hpp"
#include "myra/framing/frame_reader.hpp"

namespace myra::conformance {
namespace {

/// A handler that reads frames out of what it receives.
struct framed : record {
  explicit framed(const length_prefix& prefix = {}) : reader(frame_reader::open(prefix).value()) {
    when_received = [this](connection& peer, message& bytes) {
      reader.feed(bytes.bytes());
      while (auto payload = reader.next()) frames.emplace_back(as_text(*payload));
      if (reader.error()) peer.abort();
    };
    when_ended = [this](connection& peer) {
      at_end = reader.finish();
      peer.close();
    };
  }
  frame_reader reader;
  std::vector<std::string> frames;
  std::error_code at_end;
};

class framing_case : public conformance_test {
 protected:
  static std::string frame(std::string_view payload) {
    std::string made(4, '\0');
    for (int i = 0; i < 4; ++i)
      made[static_cast<std::size_t>(i)] = static_cast<char>(payload.size() >> (24 - 8 * i));
    return made.append(payload);
  }
  /// Sends `stream` in pieces of `piece` bytes to a fresh reader, which is told of the end.
  std::unique_ptr<framed> read(const std::string& stream, std::size_t piece,
                               const length_prefix& prefix = {}) {
    auto seen = std::make_unique<framed>(prefix);
    auto& at = listen(*seen);
    auto peer =
        host().dial(at.local(), {send_in_pieces(stream, piece), half_close(), receive_to_end()});
    finish(*peer);
    turn_until([&] { return seen->closes == 1; });
    close_listeners();
    return seen;
  }
};

TEST_P(framing_case, in_every_split) {
  const std::vector<std::string> payloads{"", "a", "bc", "", "defgh", std::string(20, 'x')};
  std::string stream;
  for (const auto& each : payloads) stream += frame(each);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    const auto seen = read(stream, piece);
    ASSERT_EQ(seen->frames, payloads) << "in pieces of " << piece;
    EXPECT_FALSE(seen->at_end);
  }
}

TEST_P(framing_case, larger_than_a_slot) {
  const std::vector<std::string> payloads{pattern(100'000), "small", pattern(40'000)};
  std::string stream;
  for (const auto& each : payloads) stream += frame(each);
  const auto seen = read(stream, 9'973);
  EXPECT_TRUE(seen->frames == payloads);
}

TEST_P(framing_case, a_thousand_small_ones_in_one_piece_are_not_copied) {
  std::string stream;
  for (int i = 0; i < 1'000; ++i) stream += frame(std::to_string(i));
  const auto seen = read(stream, stream.size());
  ASSERT_EQ(seen->frames.size(), 1'000U);
  for (int i = 0; i < 1'000; ++i)
    EXPECT_EQ(seen->frames[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_LT(seen->reader.bytes_copied(), stream.size() / 10);
}

TEST_P(framing_case, one_that_is_too_long_is_refused_at_its_header) {
  length_prefix small;
  small.frame_size_max_bytes = 100;
  const auto seen = read(frame("fine") + frame(std::string(200, 'x')).substr(0, 4), 1'000, small);
  EXPECT_EQ(seen->frames, std::vector<std::string>{"fine"});
  EXPECT_EQ(seen->reader.error(), framing_error::frame_too_long);
}

TEST_P(framing_case, an_end_inside_a_frame_is_told) {
  const auto whole = frame("never whole");
  for (const std::size_t size : {std::size_t{2}, whole.size() - 1}) {
    const auto seen = read(frame("whole") + whole.substr(0, size), 3);
    EXPECT_EQ(seen->frames, std::vector<std::string>{"whole"});
    EXPECT_EQ(seen->at_end, framing_error::truncated);
  }
}

TEST_P(framing_case, lines_in_every_split) {
  const std::string stream = "one\r\n\r\ntwo\r\nthr\ree\r\n";
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    record& seen = handler();
    auto reader = delimiter_reader::open({.text = "\r\n"}).value();
    std::vector<std::string> lines;
    seen.when_received = [&](connection&, message& bytes) {
      reader.feed(bytes.bytes());
      while (auto line = reader.next()) lines.emplace_back(as_text(*line));
    };
    auto& at = listen(seen);
    auto peer =
        host().dial(at.local(), {send_in_pieces(stream, piece), half_close(), receive_to_end()});
    finish(*peer);
    turn_until([&] { return seen.closes == 1; });
    ASSERT_EQ(lines, (std::vector<std::string>{"one", "", "two", "thr\ree"}))
        << "in pieces of " << piece;
    close_listeners();
  }
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(conformance, framing_case, testing::ValuesIn(variants()), name_of);

}  // namespace myra::conformance
