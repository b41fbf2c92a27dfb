#include "myra/metrics/text.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "myra/metrics/sample.hpp"
#include "myra/reactor/reactor.hpp"

namespace {

using myra::arm_reason;
using myra::io::backend_kind;
using myra::metrics::parse_text;
using myra::metrics::snapshot;
using myra::metrics::text_format;
using myra::metrics::to_text;

snapshot two_reactors() {
  snapshot made;
  made.reactors.emplace_back(backend_kind::uring);
  made.reactors.emplace_back(backend_kind::epoll);
  made.reactors[0].counters.bytes_received = 18'446'744'073'709'551'615U;
  made.reactors[1].counters.bytes_received = 7;
  made.reactors[0].counters.buffers.in_ring = 256;
  for (int i = 0; i < 5; ++i) made.reactors[0].counters.receive_arms.add(arm_reason::resumed);
  for (int i = 0; i < 8; ++i) made.reactors[0].counters.accept_arms.add(arm_reason::one_shot);
  return made;
}

bool has_line(const std::string& text, const std::string& line) {
  return text.starts_with(line + "\n") || text.find("\n" + line + "\n") != std::string::npos;
}

TEST(Text, SaysTypeUnitHelpAndTheSamplesOfEachReactor) {
  const std::string text = to_text(two_reactors());
  EXPECT_NE(text.find("# TYPE myra_received_bytes counter\n# UNIT myra_received_bytes bytes\n"
                      "# HELP myra_received_bytes Payload received.\n"
                      "myra_received_bytes_total{reactor=\"0\"} 18446744073709551615\n"
                      "myra_received_bytes_total{reactor=\"1\"} 7\n"),
            std::string::npos)
      << text;
  EXPECT_TRUE(has_line(text, "myra_reactor_info{reactor=\"0\",backend=\"uring\"} 1"));
  EXPECT_TRUE(has_line(text, "myra_reactor_info{reactor=\"1\",backend=\"epoll\"} 1"));
  EXPECT_TRUE(has_line(text, "myra_buffers{reactor=\"0\",state=\"in_ring\"} 256"));
  EXPECT_TRUE(has_line(text, "myra_receive_arms_total{reactor=\"0\",reason=\"resumed\"} 5"));
  EXPECT_TRUE(has_line(text, "myra_accept_arms_total{reactor=\"0\",reason=\"one_shot\"} 8"));
}

TEST(Text, EndsWithItsEndAndNowhereBefore) {
  const std::string text = to_text(two_reactors());
  EXPECT_EQ(text.find("# EOF"), text.size() - 6);
  EXPECT_TRUE(text.ends_with("\n# EOF\n"));
}

TEST(Text, TheOlderFormCallsCountersTotalAndKnowsNeitherUnitsNorAnEnd) {
  const std::string text = to_text(two_reactors(), text_format::plain);
  EXPECT_NE(text.find("# TYPE myra_received_bytes_total counter\n"
                      "# HELP myra_received_bytes_total Payload received.\n"
                      "myra_received_bytes_total{reactor=\"0\"} 18446744073709551615\n"),
            std::string::npos);
  EXPECT_TRUE(has_line(text, "# TYPE myra_buffers gauge"));
  EXPECT_TRUE(has_line(text, "# TYPE myra_reactor_info gauge"));
  EXPECT_EQ(text.find("# UNIT"), std::string::npos);
  EXPECT_EQ(text.find("# EOF"), std::string::npos);
}

TEST(Text, HistogramsAreThereWhenTheyAreMeasured) {
  snapshot measured = two_reactors();
  EXPECT_EQ(to_text(measured).find("_seconds"), std::string::npos);
  myra::latency_histogram turns;
  for (const int ns : {900, 1024, 1500, 3'000'000, 2'000'000'000})
    turns.add(std::chrono::nanoseconds(ns));
  measured.reactors[1].turns = turns.read();
  const std::string text = to_text(measured);
  EXPECT_TRUE(has_line(text, "# TYPE myra_turn_seconds histogram"));
  EXPECT_TRUE(has_line(text, "# UNIT myra_turn_seconds seconds"));
  EXPECT_TRUE(has_line(text, "myra_turn_seconds_bucket{reactor=\"1\",le=\"1.024e-06\"} 2"));
  EXPECT_TRUE(has_line(text, "myra_turn_seconds_bucket{reactor=\"1\",le=\"1.536e-06\"} 3"));
  EXPECT_TRUE(has_line(text, "myra_turn_seconds_bucket{reactor=\"1\",le=\"0.004194304\"} 4"));
  EXPECT_TRUE(has_line(text, "myra_turn_seconds_bucket{reactor=\"1\",le=\"1.07374182\"} 4"));
  EXPECT_TRUE(has_line(text, "myra_turn_seconds_bucket{reactor=\"1\",le=\"+Inf\"} 5"));
  EXPECT_TRUE(has_line(text, "myra_turn_seconds_count{reactor=\"1\"} 5"));
  EXPECT_TRUE(has_line(text, "myra_turn_seconds_sum{reactor=\"1\"} 2.003003424"));
  EXPECT_EQ(text.find("myra_turn_seconds_count{reactor=\"0\"}"), std::string::npos);
  EXPECT_EQ(text.find("myra_message_seconds"), std::string::npos);
}

TEST(Text, IsReadBackAsItWasWritten) {
  const auto samples = parse_text(to_text(two_reactors()));
  ASSERT_TRUE(samples) << describe(samples.error());
  double received = 0;
  for (const auto& each : *samples)
    if (each.name == "myra_received_bytes_total" && each.label("reactor") == "1")
      received = each.value;
  EXPECT_EQ(received, 7);
}

TEST(Text, OfNobodyIsWellFormed) { EXPECT_TRUE(parse_text(to_text({}))); }

TEST(Snapshot, ReadsTheBoards) {
  auto on =
      myra::reactor::open({.backend = backend_kind::epoll, .latency = myra::latency_timing::turns});
  ASSERT_TRUE(on) << describe(on.error());
  ASSERT_EQ(on->post([]() noexcept {}), myra::post_status::accepted);
  ASSERT_TRUE(on->run_once(std::chrono::seconds(1)));
  const snapshot now = myra::metrics::read({on->board()});
  ASSERT_EQ(now.reactors.size(), 1U);
  EXPECT_EQ(now.reactors[0].backend, backend_kind::epoll);
  EXPECT_EQ(now.reactors[0].counters.posts, 1U);
  EXPECT_TRUE(now.reactors[0].turns);
  EXPECT_FALSE(now.reactors[0].messages);
}

}  // namespace
