#include "myra/schema/resolve.hpp"

#include <gtest/gtest.h>

#include <string>

#include "myra/schema/memory_source_test.hpp"

namespace myra::schema {
namespace {

using std::string;

model parsed(const string& text) {
  diagnostics errors;
  model made = model_of({{"a.myra.yml", text}}, errors);
  EXPECT_EQ(errors.text(), "");
  return made;
}

TEST(schema, reads_every_type) {
  const model made = parsed(head + R"(
enums:
  - {name: side, type: int8, values: [{name: buy, id: 0}, {name: sell, id: -1}]}
messages:
  - name: inner
    fields: [{name: x, type: int32}]
  - name: all
    fields:
      - {tag: 1, name: a, type: bool}
      - {tag: 2, name: b, type: uint64, optional: true}
      - {tag: 3, name: c, type: "uint8[16]"}
      - {tag: 4, name: d, type: string, fixed_capacity: 8}
      - {tag: 5, name: e, type: bytes, repeated: true}
      - {tag: 6, name: f, type: "map<string, inner>"}
      - {tag: 7, name: g, type: side, default: sell}
      - {tag: 8, name: h, type: inner, optional: true}
      - {tag: 9, name: i, type: group, fields: [{tag: 1, name: y, type: uuid}]}
      - {tag: 10, name: j, type: oneof, fields: [{tag: 1, name: p, type: string}, {tag: 2, name: q, type: inner}]}
      - {tag: 11, name: k, type: decimal, default: "-12.50"}
      - {tag: 12, name: l, type: timestamp, default: "2025-11-10T14:32:05.123456789Z"}
      - {tag: 13, name: m, type: duration, default: 250ms}
      - {tag: 14, name: n, type: int64, repeated: true, optional: true}
      - {tag: 15, name: o, type: timestamp_millis, deprecated: true, deprecationNote: use l}
)");
  ASSERT_EQ(made.messages.size(), 3u);
  const message& all = made.messages[1];
  EXPECT_EQ(all.name, "all");
  ASSERT_EQ(all.fields.size(), 15u);
  EXPECT_EQ(type_text(made, all.fields[2].value), "uint8[16]");
  EXPECT_EQ(type_text(made, all.fields[5].value), "map<string,trading.inner>");
  EXPECT_EQ(std::get<std::int64_t>(all.fields[6].default_value), -1);
  EXPECT_EQ(made.messages[all.fields[8].value.index].name, "all_i");
  EXPECT_EQ(all.fields[8].given, presence::repeated);
  EXPECT_EQ(all.fields[9].alternatives.size(), 2u);
  EXPECT_EQ(std::get<decimal_literal>(all.fields[10].default_value), (decimal_literal{-1250, -2}));
  EXPECT_EQ(std::get<std::int64_t>(all.fields[11].default_value), 1762785125123456789);
  EXPECT_EQ(std::get<std::int64_t>(all.fields[12].default_value), 250'000'000);
  EXPECT_EQ(all.fields[13].given, presence::optional_repeated);
  EXPECT_TRUE(all.fields[14].deprecated);
}

TEST(schema, documents_from_comments_and_doc) {
  const model made = parsed(R"(# The schema.
namespace: trading
messages:
  # One order.
  #
  # Two paragraphs.
  - name: order
    fields:
      # In nanos.
      - name: price  # not this
        type: int64
      - name: note
        doc: |
          # not a comment
        type: string
      - name: last
        type: string
)");
  EXPECT_EQ(made.files[0].doc, "The schema.");
  EXPECT_EQ(made.messages[0].doc, "One order.\n\nTwo paragraphs.");
  EXPECT_EQ(made.messages[0].fields[0].doc, "In nanos.");
  EXPECT_EQ(made.messages[0].fields[1].doc, "# not a comment");
  EXPECT_EQ(made.messages[0].fields[2].doc, "");
}

TEST(schema, tells_several_errors_with_place_and_what_would_be_right) {
  EXPECT_EQ(
      errors_of(R"(namespace: trading
messages:
  - name: order
    feilds: []
    fields:
      - {tag: 1, name: price, type: int31}
      - {tag: 1, name: class, type: int64}
      - {tag: 0, name: a b, type: string}
)"),
      "a.myra.yml:4:5: error: unknown key 'feilds' of a message; did you mean fields?\n"
      "a.myra.yml:6:37: error: unknown type 'int31'; did you mean int32?\n"
      "a.myra.yml:7:15: error: tag 1 is that of 'price'; the next free one is 2\n"
      "a.myra.yml:7:24: error: field name 'class' is a keyword of C++; try class_value\n"
      "a.myra.yml:8:15: error: 'tag' is '0'; write a whole number from 1 to 4095\n"
      "a.myra.yml:8:24: error: field name 'a b' is not a name; use letters of A-Z, digits and '_', "
      "with a letter first\n");
}

TEST(schema, refuses_fields_that_make_no_sense) {
  const struct {
    const char* field;
    const char* error;
  } cases[] = {
      {"name: a", "a field has no type; add 'type: int64'"},
      {"type: int8", "a field has no name; add 'name: price'"},
      {"name: a, type: 'string[4]'",
       "an array holds values of a fixed size, and string is not one"},
      {"name: a, type: 'int8[0]'", "an array of 0; from 1 to 65535"},
      {"name: a, type: 'int8[x]'", "an array needs a count between [ and ]"},
      {"name: a, type: 'map<int8>'", "a map needs a key and a value; write map<KEY, VALUE>"},
      {"name: a, type: list<int8>", "only a map has its types in < and >"},
      {"name: a, type: map", "a map needs a key and a value; write map<KEY, VALUE>"},
      {"name: a, type: 'map<float32, int8>'", "a map's key cannot be float32"},
      {"name: a, type: 'map<int8, map<int8, int8>>'", "a map within a map"},
      {"name: a, type: 'map<int8, int8>', repeated: true", "a map cannot be repeated"},
      {"name: a, type: 'int8<int8>'", "only a map has its types in < and >"},
      {"name: a, type: oneof", "a oneof has no alternatives; list them under 'fields:'"},
      {"name: a, type: group", "a group has no fields; list them under 'fields:'"},
      {"name: a, type: int8, fields: []", "a field of type 'int8' has no fields of its own"},
      {"name: a, type: int8, fixed_capacity: 4", "fixed_capacity is for one string or bytes"},
      {"name: a, type: int8, default: 128",
       "default '128' is not int8; write a whole number from -128 to 127"},
      {"name: a, type: uint8, default: -1",
       "default '-1' is not uint8; write a whole number from 0 to 255"},
      {"name: a, type: int8, repeated: true, default: 1", "this field cannot have a default"},
      {"name: a, type: order",
       "a message that must hold itself: order -> order; make 'a' optional or repeated"},
      {"name: a, type: int8, optional: maybe", "'optional' is 'maybe'; write true or false"},
      {"name: a, type: uuid, default: 12", "default '12' is not uuid; write 32 hex digits"},
      {"name: a, type: bytes, default: 0x1",
       "default '0x1' is not bytes; write two hex digits a byte"},
      {"name: a, type: string, fixed_capacity: 2, default: abc",
       "the default has 3 bytes; fixed_capacity allows 2"},
      {"name: a, type: timestamp_millis, default: '2025-01-01T00:00:00.1234Z'",
       "write a time such as"},
      {"name: a, type: enum", "unknown type 'enum'"},
      {"name: a__b, type: int8", "two '_' in a row"},
      {"name: errno, type: int8", "is a macro of C or C++"},
      {"name: a, type: oneof, fields: [{name: b, type: int8, repeated: true}]",
       "an alternative of a oneof is neither optional nor repeated"},
      {"name: a, type: oneof, fields: [{name: b, type: string, fixed_capacity: 4}]",
       "fixed_capacity is for one string or bytes"},
      {"name: a, type: oneof, fields: [{tag: 256, name: b, type: int8}]",
       "tag 256 of an alternative; from 1 to 255"},
  };
  for (const auto& each : cases)
    EXPECT_NE(error_of_field(each.field).find(each.error), string::npos)
        << each.field << "\n"
        << error_of_field(each.field);
}

TEST(schema, refuses_a_null_where_a_text_may_be_meant) {
  const string right =
      "is empty or null; write a text; one that YAML takes for null goes in quotes";
  for (const char* null : {"null", "~", "NULL", ""}) {
    const string column = *null == '\0' ? "" : "a.myra.yml:5:42: error: 'default' ";
    const string told = error_of_field(string("name: a, type: string, default: ") + null);
    EXPECT_NE(told.find(column), string::npos) << told;
    EXPECT_NE(told.find(right), string::npos) << told;
  }
  EXPECT_EQ(error_of_field("name: a, type: string, default: 'null'"), "");
  EXPECT_EQ(error_of_field("name: null, type: string"),
            "a.myra.yml:5:16: error: 'name' " + right + "\n");
  EXPECT_EQ(errors_of(head + "enums: [{name: e, type: int8, values: [{name: ~, id: 5}]}]\n"),
            "a.myra.yml:2:47: error: 'name' " + right + "\n");
  EXPECT_EQ(error_of_field("name: a, type: string, doc: null"), "");
}

TEST(schema, refuses_enums_that_make_no_sense) {
  const auto error_of_enum = [](const string& rest) {
    return errors_of(head + "enums:\n  - {name: side, " + rest + "}\n");
  };
  EXPECT_NE(
      error_of_enum("type: float32, values: [{name: a, id: 0}]").find("an enum of type 'float32'"),
      string::npos);
  EXPECT_NE(error_of_enum("type: int8, values: [{name: a, id: 128}]").find("from -128 to 127"),
            string::npos);
  EXPECT_NE(error_of_enum("type: int8, values: [{name: a, id: 1}, {name: b, id: 1}]")
                .find("'b' has the id of 'a'"),
            string::npos);
  EXPECT_NE(error_of_enum("type: int8, values: [{name: a, id: 1}, {name: a, id: 2}]")
                .find("the name 'a' is taken"),
            string::npos);
  EXPECT_NE(error_of_enum("type: int8, values: []").find("has no values"), string::npos);
}

TEST(schema, refuses_yaml_outside_the_subset) {
  EXPECT_NE(errors_of("").find("a.myra.yml:1:1: error: a schema is written with keys, found "
                               "nothing"),
            string::npos);
  EXPECT_NE(errors_of("version: 1\nnamespace: \"\xc3\xa9\xff\"\n")
                .find("2:14: error: the file is not UTF-8 (byte ff); save it as UTF-8"),
            string::npos);
  EXPECT_NE(errors_of("namespace: a\x01").find("1:13: error: a control character (byte 01)"),
            string::npos);
  EXPECT_NE(errors_of("- 1\n").find("found a list"), string::npos);
  EXPECT_NE(errors_of("namespace: a\nnamespace: b\n").find("key 'namespace' is given twice"),
            string::npos);
  EXPECT_NE(errors_of("namespace: a\n---\nnamespace: b\n").find("a second document"), string::npos);
  EXPECT_NE(errors_of("namespace: &x a\nversion: *x\n").find("an alias (*name) is not part"),
            string::npos);
  EXPECT_NE(errors_of("namespace: !!str a\n").find("a tag ("), string::npos);
  EXPECT_NE(errors_of("namespace: [\n").find("a.myra.yml:"), string::npos);
  EXPECT_NE(errors_of("namespace: a.class\n").find("namespace name 'class' is a keyword"),
            string::npos);
  EXPECT_NE(errors_of("namespace: myra.x\n").find("that of the library"), string::npos);
}

TEST(schema, bears_bombs) {
  string deep;
  for (int i = 0; i < 1000; ++i) deep += string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_NE(errors_of(deep).find("nested deeper than 24 levels"), string::npos);
  EXPECT_NE(errors_of(string(100'000, '[')).find("a line of 100000 bytes"), string::npos);
  EXPECT_NE(errors_of(string((4u << 20) + 1, '\n')).find("more than the limit of 4194304"),
            string::npos);
  string many = head + "messages:\n";
  for (int i = 0; i <= 10'000; ++i) many += "  - {name: m" + std::to_string(i) + "}\n";
  EXPECT_EQ(errors_of(many),
            "a.myra.yml: error: 10001 messages and groups; at most 10000 in one run\n");
  string wrong = head + "messages:\n";
  for (int i = 0; i < 1000; ++i) wrong += "  - {nom: a}\n";
  EXPECT_NE(errors_of(wrong).find("too many errors; the first 100 are above"), string::npos);
}

TEST(schema, imports_other_files) {
  diagnostics errors;
  const model made =
      model_of({{"a.myra.yml",
                 "namespace: a\nimports: [lib/b.myra.yml]\nmessages:\n  - name: m\n    fields:\n"
                 "      - {name: x, type: b.money}\n      - {name: y, type: money}\n"},
                {"lib/b.myra.yml",
                 "namespace: b\nimports: c.myra.yml\nmessages:\n  - {name: money, fields: []}\n"},
                {"lib/c.myra.yml", "namespace: c\n"}},
               errors);
  EXPECT_EQ(errors.text(), "");
  ASSERT_EQ(made.files.size(), 3u);
  EXPECT_EQ(made.files[1].stem, "b");
  EXPECT_EQ(made.messages[made.messages[0].fields[0].value.index].name, "money");
  EXPECT_EQ(made.messages[0].fields[0].value, made.messages[0].fields[1].value);
}

TEST(schema, refuses_imports_that_go_in_circles_or_nowhere) {
  diagnostics errors;
  static_cast<void>(model_of({{"a.myra.yml", "namespace: a\nimports: [b.myra.yml, d.myra.yml]\n"},
                              {"b.myra.yml", "namespace: b\nimports: [c.myra.yml]\n"},
                              {"c.myra.yml", "namespace: c\nimports: [./a.myra.yml]\n"}},
                             errors));
  EXPECT_EQ(errors.text(),
            "a.myra.yml:2:23: error: cannot read 'd.myra.yml': no such file; the path of an import "
            "begins at the folder of this file\n"
            "c.myra.yml:2:11: error: import cycle: a.myra.yml -> b.myra.yml -> c.myra.yml -> "
            "a.myra.yml; move what both need to a third file and import that\n");
}

TEST(schema, a_file_may_be_imported_twice) {
  diagnostics errors;
  static_cast<void>(model_of(
      {{"a.myra.yml",
        "namespace: a\nimports: [x/b.myra.yml, ./x/../x/b.myra.yml]\nmessages:\n  - name: m\n"
        "    fields:\n      - {name: x, type: money}\n"},
       {"x/b.myra.yml", "namespace: b\nmessages: [{name: money}]\n"}},
      errors));
  EXPECT_EQ(errors.text(), "");
}

TEST(schema, a_name_of_two_imports_is_ambiguous) {
  diagnostics errors;
  static_cast<void>(model_of(
      {{"a.myra.yml",
        "namespace: a\nimports: [b.myra.yml, c.myra.yml]\nmessages:\n  - name: m\n    fields:\n"
        "      - {name: x, type: money}\n"},
       {"b.myra.yml", "namespace: b\nmessages: [{name: money}]\n"},
       {"c.myra.yml", "namespace: c\nmessages: [{name: money}]\n"}},
      errors));
  EXPECT_EQ(
      errors.text(),
      "a.myra.yml:6:25: error: type 'money' is ambiguous; write one of b.money and c.money\n");
}

TEST(schema, reads_files_of_the_java_original_as_they_are) {
  const model made = parsed(R"(namespace: "express.mvp.myra.codec.test.repeating"
version: "1.0.0"

enums:
  - name: "Side"
    type: "int8"
    values:
      - name: "BUY"
        id: 0
      - name: "SELL"
        id: 1

messages:
  - name: "Level"
    fields:
      - tag: 1
        name: "priceNanos"
        type: "int64"
      - tag: 2
        name: "side"
        type: "Side"
        deprecated: true
        deprecationNote: "Use nothing"
  - name: "OrderBook"
    fields:
      - tag: 1
        name: "symbol"
        type: "string"
        fixedCapacity: 8
      - tag: 2
        name: "venue"
        type: "string"
        fixed_capacity: 4
      - tag: 3
        name: "bids"
        type: "Level"
        repeated: true
      - tag: 4
        name: "notes"
        type: "string"
        repeated: true
        optional: true
)");
  EXPECT_EQ(qualified_name(made, made.messages[1]),
            "express.mvp.myra.codec.test.repeating.OrderBook");
  EXPECT_EQ(made.files[0].version, "1.0.0");
  EXPECT_EQ(made.messages[1].fields[0].fixed_capacity, 8u);
  EXPECT_EQ(made.messages[1].fields[1].fixed_capacity, 4u);
}

}  // namespace
}  // namespace myra::schema
