#include "myra/schema/message_text.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "myra/schema/all_types_test.hpp"
#include "myra/schema/compile.hpp"
#include "myra/schema/literal.hpp"
#include "myra/schema/memory_source_test.hpp"

namespace myra::schema {
namespace {

using std::string;

class message_text : public ::testing::Test {
 protected:
  void SetUp() override { use(all_types_schema, "all"); }

  void use(const string& schema, const string& message) {
    made = compile({.schema_path = "a.myra.yml"}, memory_source({{"a.myra.yml", schema}}));
    ASSERT_EQ(made.errors.text(), "");
    index = 0;
    while (made.schema.messages[index].name != message) ++index;
  }

  [[nodiscard]] message_type type() const { return {made.schema, made.places, index}; }
  [[nodiscard]] string encoded(const string& json) const {
    const auto bytes = encode_message(type(), json);
    return bytes ? *bytes : "error: " + bytes.error();
  }
  [[nodiscard]] string decoded(const string& bytes) const {
    const auto message = decode_message(type(), bytes);
    return message ? message->json : "error: " + message.error();
  }

  compiled made;
  std::uint32_t index = 0;
};

TEST_F(message_text, random_messages_survive_the_way_there_and_back) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const string json = random_json(type(), seed);
    const string bytes = encoded(json);
    ASSERT_FALSE(bytes.starts_with("error")) << bytes << json;
    const string again = decoded(bytes);
    ASSERT_EQ(encoded(again), bytes) << seed << json << again;
    ASSERT_EQ(decoded(encoded(again)), again);
    ASSERT_EQ(random_json(type(), seed), json);
  }
}

TEST_F(message_text, every_byte_of_a_message_is_explained_or_unused) {
  const string bytes = encoded(random_json(type(), 3));
  const auto message = decode_message(type(), bytes);
  ASSERT_TRUE(message);
  std::size_t reached = 0;
  for (const dump_piece& each : message->pieces) {
    EXPECT_LE(each.offset + each.size, bytes.size());
    EXPECT_LE(each.offset, std::max(reached, reached + 16)) << "a gap before " << each.meaning;
    reached = std::max(reached, each.offset + each.size);
  }
  EXPECT_EQ(reached, bytes.size());
  EXPECT_NE(dump_text(bytes, message->pieces).find("all.i8 = "), string::npos);
}

TEST_F(message_text, a_large_message_takes_wide_ends) {
  const string json = R"({"s": ")" + string(70'000, 'x') + R"("})";
  const string bytes = encoded(json);
  EXPECT_EQ(bytes[0], '\x14');
  EXPECT_EQ(encoded(decoded(bytes)), bytes);
  EXPECT_EQ(encoded(R"({"s": "x"})")[0], '\x12');
}

TEST_F(message_text, what_was_cut_or_changed_is_refused_or_read_safely) {
  // The fuzzer message_json goes on from here.
  const string bytes = encoded(random_json(type(), 2));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_TRUE(decoded(bytes.substr(0, size)).starts_with("error")) << size;
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    string changed = bytes;
    changed[at] = static_cast<char>(~changed[at]);
    const auto message = decode_message(type(), changed);
    if (message) {
      EXPECT_FALSE(encoded(message->json).empty());
    }
  }
}

TEST_F(message_text, an_error_names_offset_field_and_rule) {
  EXPECT_EQ(decoded(""), "error: offset 0: the message ends too early: it has no byte");
  EXPECT_EQ(decoded("\x33"),
            "error: offset 0: the first byte names no known format: found 33, expected 12 or 14");
  EXPECT_EQ(decoded(string("\x12\x00", 2)), "error: offset 1: all: the message ends too early");
}

TEST_F(message_text, json_that_does_not_fit_is_refused_with_the_place) {
  const struct {
    const char* json;
    const char* error;
  } cases[] = {
      {"[]", "all: found [], expected an object with the fields of the message"},
      {"{", "not JSON"},
      {R"({"i8": 128})", "all.i8: found 128, expected a whole number from -128 to 127"},
      {R"({"i8": 1.5})", "all.i8: found 1.5, expected int8"},
      {R"({"u64": -1})",
       "all.u64: found -1, expected a whole number from 0 to 18446744073709551615"},
      {R"({"b": 1})", "all.b: found 1, expected true or false"},
      {R"({"sx": 1})", "there is no field 'sx'; did you mean s?"},
      {R"({"i8": 1, "i8": 2})", "key 'i8' is given twice in one object"},
      {R"({"way": "hold"})", R"(all.way: found "hold", expected a value of enum side)"},
      {R"({"code": "123456"})", "all.code: found 6 bytes, expected at most 5"},
      {R"({"digest": [1]})", "all.digest: found [1], expected a list of 5"},
      {R"({"raw": "0"})", "expected two hex digits a byte"},
      {R"({"numbers": 1})", "all.numbers: found 1, expected a list"},
      {R"({"many": [{"y": 1}]})", "all.many[0]: there is no field 'y'"},
      {R"({"choice": {"p": "", "q": {}}})", "expected an object with one alternative"},
      {R"({"by_number": [{"key": 1, "value": ""}, {"key": 1, "value": ""}]})",
       "a key is given twice"},
      {R"({"f32": 1e300})", "expected a number that float32 can hold"},
  };
  for (const auto& each : cases)
    EXPECT_NE(encoded(each.json).find(each.error), string::npos) << each.json << encoded(each.json);
  EXPECT_EQ(encoded(string(1000, '[')), "error: the JSON is nested too deep");
}

TEST_F(message_text, maps_are_no_level_of_depth) {
  use("namespace: t\nmessages:\n  - {id: 1, name: node, fields: [{tag: 1, name: below, type: "
      "\"map<uint8, node>\"}]}\n",
      "node");
  const auto nested = [](std::uint32_t levels) {
    string json = "{}";
    for (std::uint32_t i = 1; i < levels; ++i)
      json = R"({"below": [{"key": 1, "value": )" + json + "}]}";
    return json;
  };
  const string deepest = encoded(nested(message_depth_max));
  EXPECT_EQ(encoded(decoded(deepest)), deepest);
  EXPECT_NE(encoded(nested(message_depth_max + 1)).find("nested too deep"), string::npos);
}

TEST_F(message_text, text_that_is_not_utf8_survives) {
  const string bytes =
      encoded(R"({"s": {"hex": "ff00"}, "by_name": [{"key": {"hex": "ff"}, "value": null}]})");
  EXPECT_EQ(encoded(decoded(bytes)), bytes);
  EXPECT_NE(decoded(bytes).find(R"("hex": "ff00")"), string::npos);
}

TEST_F(message_text, maps_are_sorted_by_key) {
  EXPECT_EQ(
      encoded(
          R"({"by_number": [{"key": 3, "value": "c"}, {"key": -2, "value": "a"}, {"key": 1, "value": "b"}]})"),
      encoded(
          R"({"by_number": [{"key": -2, "value": "a"}, {"key": 1, "value": "b"}, {"key": 3, "value": "c"}]})"));
}

TEST(literal, is_written_as_it_is_read) {
  const struct {
    type_kind kind;
    const char* text;
  } cases[] = {
      {type_kind::boolean, "true"},
      {type_kind::int8, "-128"},
      {type_kind::uint64, "18446744073709551615"},
      {type_kind::int64, "-9223372036854775808"},
      {type_kind::float32, "0.1"},
      {type_kind::float64, "1e+300"},
      {type_kind::float64, "-inf"},
      {type_kind::uuid, "123e4567-e89b-12d3-a456-426614174000"},
      {type_kind::decimal, "-0.05"},
      {type_kind::decimal, "12.50"},
      {type_kind::decimal, "125e3"},
      {type_kind::decimal, "-9223372036854775808e-128"},
      {type_kind::timestamp_nanos, "2025-11-10T14:32:05.123456789Z"},
      {type_kind::timestamp_millis, "0001-01-01T00:00:00Z"},
      {type_kind::timestamp_millis, "1969-12-31T23:59:59.999Z"},
      {type_kind::timestamp_millis, "9223372036854775807"},
      {type_kind::timestamp_nanos, "-9223372036854775808"},
      {type_kind::duration, "-5"},
      {type_kind::bytes, "00ff"},
      {type_kind::string, "any text"},
  };
  for (const auto& each : cases) {
    const auto value = parse_literal(each.kind, each.text);
    ASSERT_TRUE(value) << each.text << value.error();
    EXPECT_EQ(literal_text(each.kind, *value), each.text);
  }
}

TEST(literal, what_is_none_is_refused) {
  const struct {
    type_kind kind;
    const char* text;
  } cases[] = {
      {type_kind::boolean, "yes"},
      {type_kind::int8, "128"},
      {type_kind::int8, ""},
      {type_kind::int8, "1 "},
      {type_kind::uint8, "0x100"},
      {type_kind::int64, "9223372036854775808"},
      {type_kind::float32, "1e39"},
      {type_kind::float64, "1e999"},
      {type_kind::uuid, "123e4567e89b12d3a456426614174000"},
      {type_kind::decimal, "1e200"},
      {type_kind::decimal, "1.2.3"},
      {type_kind::decimal, "."},
      {type_kind::decimal, "99999999999999999999"},
      {type_kind::timestamp_nanos, "2025-02-29T00:00:00Z"},
      {type_kind::timestamp_nanos, "2025-01-01T24:00:00Z"},
      {type_kind::timestamp_nanos, "2025-01-01T00:00:00+01:00"},
      {type_kind::timestamp_nanos, "3000-01-01T00:00:00Z"},
      {type_kind::duration, "1d"},
      {type_kind::duration, "9223372036854775807h"},
      {type_kind::bytes, "0"},
      {type_kind::map, "1"},
  };
  for (const auto& each : cases) EXPECT_FALSE(parse_literal(each.kind, each.text)) << each.text;
}

}  // namespace
}  // namespace myra::schema
