// The table of figures, the counters of a reactor and docs/metrics.md speak of the same things.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "myra/metrics/figure.hpp"
#include "myra/metrics/text.hpp"

namespace {

using myra::loop_counters;
using myra::metrics::figure;
using myra::metrics::figure_kind;
using myra::metrics::figures;

std::string document() {
  std::ifstream file(MYRA_SOURCE_DIR "/docs/metrics.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The names that begin the rows of the document's tables.
std::set<std::string> documented_names() {
  std::set<std::string> names;
  std::istringstream lines(document());
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view start = "| `myra_";
    if (!line.starts_with(start)) continue;
    names.insert(line.substr(3, line.find('`', start.size()) - 3));
  }
  return names;
}

std::string sample_name(const figure& of) {
  return std::string(of.name) + (of.kind == figure_kind::counter ? "_total" : "");
}

TEST(Names, EachIsDocumentedAndNoneThatIsNotThere) {
  std::set<std::string> names{std::string(myra::metrics::reactor_name) + "_info",
                              std::string(myra::metrics::turns_name),
                              std::string(myra::metrics::messages_name)};
  for (const figure& each : figures()) names.insert(sample_name(each));
  EXPECT_EQ(documented_names(), names);
}

TEST(Names, EachLabelIsDocumented) {
  const std::string text = document();
  for (const figure& each : figures()) {
    if (each.label.empty()) continue;
    EXPECT_NE(text.find("`" + std::string(each.label) + "`"), std::string::npos) << each.name;
    EXPECT_NE(text.find("`" + std::string(each.label_value) + "`"), std::string::npos)
        << each.name << ": " << each.label_value;
  }
}

TEST(Names, FollowTheConventionsOfOpenMetrics) {
  for (const figure& each : figures()) {
    EXPECT_TRUE(each.name.starts_with("myra_"));
    EXPECT_FALSE(each.name.ends_with("_total")) << each.name;
    EXPECT_TRUE(each.help.ends_with('.')) << each.name;
    if (!each.unit.empty()) {
      EXPECT_TRUE(each.name.ends_with("_" + std::string(each.unit))) << each.name;
    }
    EXPECT_EQ(each.label.empty(), each.label_value.empty()) << each.name;
  }
}

TEST(Names, FiguresOfOneNameFollowEachOther) {
  const auto all = figures();
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i > 0 && all[i].name == all[i - 1].name) {
      EXPECT_EQ(all[i].label, all[i - 1].label);
      EXPECT_NE(all[i].label_value, all[i - 1].label_value);
      EXPECT_EQ(all[i].kind, all[i - 1].kind);
    } else {
      EXPECT_TRUE(seen.insert(all[i].name).second) << all[i].name;
    }
  }
}

TEST(Names, EveryCounterOfAReactorIsShown) {
  using words = std::array<std::uint64_t, sizeof(loop_counters) / sizeof(std::uint64_t)>;
  // The backend's own entries are a part of kernel_entries.
  constexpr std::size_t left_out =
      (offsetof(loop_counters, backend) + offsetof(myra::io::backend_counters, kernel_entries)) /
      sizeof(std::uint64_t);
  for (std::size_t i = 0; i < words().size(); ++i) {
    if (i == left_out) continue;
    words one_counted{};
    one_counted[i] = 1;
    const auto counters = std::bit_cast<loop_counters>(one_counted);
    EXPECT_TRUE(std::ranges::any_of(figures(),
                                    [&](const figure& each) { return each.value(counters) != 0; }))
        << "word " << i << " of loop_counters is in no figure";
  }
}

}  // namespace
