#include "myra/metrics/sample.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using myra::metrics::parse_text;

std::string complaint_about(const std::string& text) {
  const auto parsed = parse_text(text);
  return parsed ? "none" : parsed.error().what;
}

TEST(Samples, AreReadWithNameLabelsAndValue) {
  const auto parsed = parse_text(
      "# TYPE a counter\n# HELP a Words.\na_total{reactor=\"0\",state=\"in_ring\"} 12\nb 1.5\n"
      "c{} -3e-06 1700000000\nd_bucket{le=\"+Inf\"} +Inf\n# EOF\n");
  ASSERT_TRUE(parsed) << describe(parsed.error());
  ASSERT_EQ(parsed->size(), 4U);
  EXPECT_EQ(parsed->at(0).name, "a_total");
  EXPECT_EQ(parsed->at(0).value, 12);
  EXPECT_EQ(parsed->at(0).label("reactor"), "0");
  EXPECT_EQ(parsed->at(0).label("state"), "in_ring");
  EXPECT_EQ(parsed->at(0).label("le"), "");
  EXPECT_EQ(parsed->at(1).value, 1.5);
  EXPECT_EQ(parsed->at(2).value, -3e-06);
  EXPECT_EQ(parsed->at(3).label("le"), "+Inf");
}

TEST(Samples, EscapesInLabels) {
  const auto parsed = parse_text("a{b=\"x\\\"y\\\\z\"} 1\n# EOF\n");
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->at(0).label("b"), "x\"y\\z");
}

TEST(Samples, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_EQ(complaint_about("a 1\nb\n# EOF\n"),
            "line 2: found \"\", expected a blank and a number");
  EXPECT_EQ(complaint_about("{} 1\n# EOF\n"), "line 1: found \"{} 1\", expected a name");
  EXPECT_EQ(complaint_about("a one\n# EOF\n"), "line 1: found \"one\", expected a number");
  EXPECT_EQ(complaint_about("a 1x\n# EOF\n"), "line 1: found \"1x\", expected a number");
  EXPECT_EQ(complaint_about("a{b} 1\n# EOF\n"), "line 1: found \"} 1\", expected =\"");
  EXPECT_EQ(complaint_about("a{=} 1\n# EOF\n"),
            "line 1: found \"=} 1\", expected the name of a label");
  EXPECT_EQ(complaint_about("a{b=\"c} 1\n# EOF\n"),
            "line 1: found \"\", expected the \" that ends a label");
  EXPECT_EQ(complaint_about("a{b=\"c\\\n# EOF\n"),
            "line 1: found \"\", expected the \" that ends a label");
  EXPECT_EQ(complaint_about("a{b=\"c\"x} 1\n# EOF\n"), "line 1: found \"x} 1\", expected , or }");
  EXPECT_EQ(complaint_about("\n# EOF\n"), "line 1: found \"\", expected a name");
}

TEST(Samples, ATextThatWasCutOffIsRefused) {
  EXPECT_NE(complaint_about("a 1\n").find("cut off"), std::string::npos);
  EXPECT_NE(complaint_about("").find("cut off"), std::string::npos);
  EXPECT_EQ(complaint_about("# EOF\na 1\n"), "line 1: found more after \"# EOF\"");
}

}  // namespace
