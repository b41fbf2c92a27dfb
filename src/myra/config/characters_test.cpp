#include "myra/config/characters.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace myra::config {
namespace {

/// Empty, or what was wrong.
std::string refused(std::string_view text) {
  const auto checked = check_characters(text, "f");
  return checked ? "" : checked.error().what;
}

constexpr const char* not_ascii =
    ": is not TOML: found a character that is not ASCII outside of quotes and comments";

TEST(characters, control_characters_are_refused_wherever_they_stand) {
  EXPECT_EQ(refused({"a\0", 2}), "f:1:2: is not TOML: found the control character 0");
  EXPECT_EQ(refused("a = 'b\x01'"), "f:1:7: is not TOML: found the control character 1");
  EXPECT_EQ(refused("a = '''\n\x1f'''"), "f:2:1: is not TOML: found the control character 31");
  EXPECT_EQ(refused("a = 'b'\n# \x7f"), "f:2:3: is not TOML: found the control character 127");
  EXPECT_EQ(refused("a =\t'a'\r\n"), "");
}

TEST(characters, columns_count_characters_and_not_bytes) {
  EXPECT_EQ(refused("# ä€😀\x01"), "f:1:6: is not TOML: found the control character 1");
}

TEST(characters, what_is_not_ascii_may_stand_in_quotes_and_comments) {
  for (const char* allowed :
       {"# ä", "a = 'b' # ä", "a = 'ä'", "a = \"ä\"", R"(a = "\"ä")", R"(a = "\\\"ä")",
        R"(a = "'ä")", R"(a = '"ä')", R"(a = "#ä")", "a = '''\nä\n'''", "a = '''' ä'''",
        "a = '''x''ä'''", R"(a = """x\"""ä""")", "a = '''#'\n#'ä'''",
        "a = '''x'''''\n'ä' = ''\n\"ä\" = ''''''"}) {
    EXPECT_EQ(refused(allowed), "") << allowed;
  }
}

TEST(characters, what_is_not_ascii_is_refused_elsewhere_with_its_place) {
  const std::pair<const char*, const char*> cases[] = {
      {"\uFEF7 = 1", "f:1:1"},
      {"# c\nä", "f:2:1"},
      {"a = ä", "f:1:5"},
      {"[ä]", "f:1:2"},
      {"a = ''ä", "f:1:7"},
      {"a = 'b'ä'", "f:1:8"},
      {R"(a = '\'ä')", "f:1:8"},
      {R"(a = "\\"ä")", "f:1:9"},
      {"a = 'b\nä'", "f:2:1"},
      {"a = \"b\\\nä\"", "f:2:1"},
      {"a = ''''''ä", "f:1:11"},
      {"a = '''x'''''ä'", "f:1:14"},
      {R"(a = """x"""ä)", "f:1:12"},
      {"a = '''\n#'''ä", "f:2:5"},
      {"a = 1 \x80", "f:1:7"},
  };
  for (const auto& [text, place] : cases) EXPECT_EQ(refused(text), std::string(place) + not_ascii);
}

}  // namespace
}  // namespace myra::config
