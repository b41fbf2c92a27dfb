#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "myra/config/configure.hpp"

namespace myra::config {
namespace {

class file_test : public testing::Test {
 protected:
  std::string read(const std::string& text) {
    const auto done = read_text(text, "x.toml", fields);
    return done ? "" : done.error().what;
  }

  bool brave = false;
  std::uint32_t count = 5;
  std::uint32_t bytes = 1024;
  std::string word = "plain";
  std::vector<field> fields = {
      text("word", "WORD", "A word.", word),
      flag("table.brave", "Bravery.", brave),
      number("table.count", "A count.", count, {.least = 1, .most = 9}),
      size("table.inner.bytes", "Bytes.", bytes, {.least = 1, .most = 1 << 20}),
  };
};

TEST_F(file_test, tables_inline_tables_and_dotted_keys_are_the_same) {
  EXPECT_EQ(read("word = 'w'\n[table]\nbrave = true\ncount = 3\n[table.inner]\nbytes = '2KiB'\n"),
            "");
  EXPECT_TRUE(brave);
  EXPECT_EQ(count, 3U);
  EXPECT_EQ(bytes, 2048U);
  EXPECT_EQ(word, "w");
  EXPECT_EQ(read("table = { count = 4, inner.bytes = 100 }"), "");
  EXPECT_EQ(count, 4U);
  EXPECT_EQ(bytes, 100U);
  EXPECT_EQ(read("table.count = 5"), "");
  EXPECT_EQ(count, 5U);
}

TEST_F(file_test, an_empty_file_changes_nothing) {
  EXPECT_EQ(read(""), "");
  EXPECT_EQ(read("# only words\n[table]\n"), "");
  EXPECT_EQ(count, 5U);
}

struct mistake {
  const char* text;
  const char* message;
};

TEST_F(file_test, every_mistake_is_told_with_its_place) {
  const std::vector<mistake> mistakes = {
      {"[table]\ncuont = 3", "x.toml:2:1: unknown key table.cuont; did you mean table.count?"},
      {"count = 3", "x.toml:1:1: unknown key count; did you mean table.count?"},
      {"[tabel]\ncount = 3", "x.toml:1:2: unknown key tabel"},
      {"colour = 'red'", "x.toml:1:1: unknown key colour"},
      {"[table]\n  count = 10", "x.toml:2:11: table.count: found 10, allowed 1 to 9"},
      {"[table]\ncount = '3'", "x.toml:2:9: table.count: found \"3\", allowed 1 to 9"},
      {"[table]\ncount = 3.5", "x.toml:2:9: table.count: found the fraction 3.5, allowed 1 to 9"},
      {"[table]\ncount = [3]", "x.toml:2:9: table.count: found an array, allowed 1 to 9"},
      {"[table]\ncount = {a = 3}", "x.toml:2:9: table.count: found a table, allowed 1 to 9"},
      {"[table]\ncount = 2020-01-01",
       "x.toml:2:9: table.count: found a date or a time of day, allowed 1 to 9"},
      {"[table]\nbrave = 1", "x.toml:2:9: table.brave: found 1, allowed true or false"},
      {"[table]\nbrave = 'true'", "x.toml:2:9: table.brave: found \"true\", allowed true or false"},
      {"word = true", "x.toml:1:8: word: found true, allowed any text"},
      {"table = 3", "x.toml:1:9: table: found 3, allowed a table, [table]"},
      {"[[table]]\ncount = 3", "x.toml:1:1: table: found an array, allowed a table, [table]"},
      // Of two mistakes the first, whatever the order of their names.
      {"[table]\ncount = 0\nbrave = 0", "x.toml:2:9: table.count: found 0, allowed 1 to 9"},
  };
  for (const mistake& each : mistakes) EXPECT_EQ(read(each.text), each.message) << each.text;
  EXPECT_EQ(read_text("count = 3", "x.toml", fields).error().code, condition::invalid);
}

TEST_F(file_test, what_is_not_toml_is_told_with_its_place) {
  for (const char* wrong :
       {"[table\n", "word = \n", "word = 'a' 'b'\n", "=\n", "word = \"\\q\"\n",
        "word = 1\nword = 2\n", "[!\n", "[table.!]\n", "!\n", "[[!]]\n", "\xff\xfe"}) {
    const std::string what = read(wrong);
    EXPECT_TRUE(what.starts_with("x.toml:")) << what;
    EXPECT_NE(what.find(": is not TOML: "), std::string::npos) << what;
    EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  }
}

TEST_F(file_test, control_characters_are_refused_wherever_they_stand) {
  EXPECT_EQ(read(std::string("[\0[a]]\n", 7)),
            "x.toml:1:2: is not TOML: found the control character 0");
  EXPECT_EQ(read("word = 'a'\n# \x7f"), "x.toml:2:3: is not TOML: found the control character 127");
  EXPECT_EQ(read("word =\t'a'\r\n"), "");
}

TEST_F(file_test, what_is_not_ascii_is_refused_outside_of_strings_and_comments) {
  for (const char* each : {"\u00E4", "\u0498", "\u2C5F", "\uFEF7", "\U0001F600"}) {
    const std::string character = each;
    EXPECT_TRUE(
        read("word = 'a'\n" + character + " = 1\n").starts_with("x.toml:2:1: is not TOML: "))
        << each;
    for (const std::string& wrong :
         {"[" + character + "]\n", "word = " + character + "\n", "word = 2\"\"\"" + character,
          "word = 'a' " + character, "table." + character + " = 1", character})
      EXPECT_TRUE(read(wrong).starts_with("x.toml:1:")) << wrong;
    EXPECT_EQ(read("# " + character + "\nword = \"" + character + "\"  # " + character), "");
    EXPECT_EQ(word, character);
  }
}

TEST_F(file_test, a_long_text_is_cut_in_the_message) {
  EXPECT_LT(read("[table]\ncount = '" + std::string(50'000, 'x') + "'").size(), 400U);
  EXPECT_LT(read(std::string(50'000, 'x') + " = 1").size(), 400U);
}

TEST_F(file_test, what_is_printed_reads_back_whatever_the_text) {
  word =
      "quote \" backslash \\ newline \n tab \t bell \a delete \x7f utf8 \xc3\xa4 hash # bracket ]";
  const std::string expected = word;
  brave = true;
  const std::string file = print(fields);
  word.clear();
  brave = false;
  ASSERT_EQ(read(file), "") << file;
  EXPECT_EQ(word, expected);
  EXPECT_TRUE(brave);
}

TEST_F(file_test, printed_keys_stand_in_their_tables_with_their_help) {
  EXPECT_EQ(print(fields),
            "# A word. Allowed: any text.\nword = \"plain\"\n"
            "\n[table]\n# Bravery. Allowed: true or false.\nbrave = false\n"
            "# A count. Allowed: 1 to 9.\ncount = 5\n"
            "\n[table.inner]\n# Bytes. Allowed: 1 to 1MiB (bytes, or text such as \"16KiB\").\n"
            "bytes = \"1KiB\"\n");
}

TEST_F(file_test, a_program_may_add_to_a_table_that_is_there_already) {
  bool late = true;
  fields.push_back(flag("table.late", "Lateness.", late));
  fields.push_back(flag("early", "Earliness.", late));
  const std::string file = print(fields);
  EXPECT_EQ(read(file), "") << file;
}

TEST_F(file_test, a_file_is_read_from_the_disk) {
  const std::string path =
      testing::TempDir() + "myra-config-" + std::to_string(::getpid()) + ".toml";
  std::ofstream(path) << "[table]\ncount = 7\n";
  const auto done = read_file(path, fields);
  EXPECT_TRUE(done);
  EXPECT_EQ(count, 7U);
  std::ofstream(path) << "[table]\ncount = 70\n";
  const auto wrong = read_file(path, fields);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().what, path + ":2:9: table.count: found 70, allowed 1 to 9");
  std::ofstream(path) << std::string(2 * 1024 * 1024, '#');
  EXPECT_FALSE(read_file(path, fields));
  std::remove(path.c_str());
}

TEST_F(file_test, a_file_that_cannot_be_read_is_named) {
  const auto missing = read_file("/no/such/file.toml", fields);
  ASSERT_FALSE(missing);
  EXPECT_EQ(describe(missing.error()),
            "cannot read the configuration file /no/such/file.toml: No such file or directory");
  const auto folder = read_file("/tmp", fields);
  ASSERT_FALSE(folder);
  EXPECT_EQ(describe(folder.error()), "cannot read the configuration file /tmp: Is a directory");
}

}  // namespace
}  // namespace myra::config
