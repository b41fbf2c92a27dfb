#include "myra/schema/generate.hpp"

#include <gtest/gtest.h>

#include <string>

#include "myra/schema/compile.hpp"
#include "myra/schema/memory_source_test.hpp"

namespace myra::schema {
namespace {

using std::string;

/// The header of a schema with one message of these fields.
string header_of(const string& fields) {
  const string schema = "namespace: t\nmessages:\n  - name: m\n    fields:\n" + fields;
  const compiled made =
      compile({.schema_path = "a.myra.yml"}, memory_source({{"a.myra.yml", schema}}));
  EXPECT_EQ(made.errors.text(), "");
  return made.errors.empty() ? generate_cpp(made.schema, made.places, 0) : "";
}

bool has(const string& text, const string& part) { return text.find(part) != string::npos; }

TEST(generate, marks_what_belongs_to_a_deprecated_alternative) {
  const string text = header_of(
      "      - {tag: 1, name: by, type: oneof, fields: [{tag: 1, name: cash, type: int8},\n"
      "         {tag: 2, name: iou, type: int8, deprecated: true, deprecationNote: use cash}]}\n");
  EXPECT_TRUE(has(text, "    cash = 1,\n    iou [[deprecated(\"use cash\")]] = 2,\n")) << text;
  EXPECT_TRUE(has(text, "  [[nodiscard]] std::optional<std::int8_t> by_cash() const")) << text;
  EXPECT_TRUE(has(text,
                  "  [[deprecated(\"use cash\")]] [[nodiscard]] std::optional<std::int8_t> "
                  "by_iou() const"))
      << text;
  EXPECT_TRUE(has(text,
                  "[[deprecated(\"use cash\")]] [[gnu::always_inline]] basic_m_builder& "
                  "by_iou("))
      << text;
  EXPECT_TRUE(has(text, "  [[nodiscard]] by_kind by_which() const")) << text;
}

TEST(generate, marks_all_of_a_deprecated_oneof) {
  const string text = header_of(
      "      - {tag: 1, name: by, type: oneof, deprecated: true,\n"
      "         fields: [{tag: 1, name: cash, type: int8}]}\n");
  EXPECT_TRUE(has(text, "    cash [[deprecated]] = 1,\n")) << text;
  EXPECT_TRUE(has(text, "  [[deprecated]] [[nodiscard]] by_kind by_which() const")) << text;
  EXPECT_TRUE(has(text, "  [[deprecated]] [[nodiscard]] std::optional<std::int8_t> by_cash()"));
}

TEST(generate, writes_notes_of_deprecation_as_compilers_read_them) {
  const string text = header_of(
      "      - {tag: 1, name: a, type: int8, deprecated: true,\n"
      "         deprecationNote: \"why? it is \\\"\xc3\xa4lter\\\",\\nnot C:\\\\new\\u0007\"}\n");
  EXPECT_TRUE(has(text, "[[deprecated(\"why\\? it is \\\"\xc3\xa4lter\\\",\\nnot C:\\\\new\")]]"))
      << text;
}

}  // namespace
}  // namespace myra::schema
