#include "myra/schema/compile.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "myra/schema/diff.hpp"
#include "myra/schema/memory_source_test.hpp"

namespace myra::schema {
namespace {

using std::string;

string schema_of(const string& fields) {
  return "namespace: trading\nmessages:\n  - name: order\n    fields:\n" + fields;
}

const string first = schema_of(
    "      - {tag: 1, name: id, type: uint64}\n"
    "      - {tag: 2, name: price, type: int64}\n"
    "      - {tag: 3, name: note, type: string, optional: true}\n");

compiled compile_with(const string& schema, const string& ledger) {
  std::map<string, string> files = {{"a.myra.yml", schema}};
  if (!ledger.empty()) files["a.myra.lock"] = ledger;
  return compile({.schema_path = "a.myra.yml"}, memory_source(std::move(files)));
}

/// The ledger of a schema, taken as the successor of the one of `ledger`.
string ledger_after(const string& schema, const string& ledger = {}) {
  const compiled made = compile_with(schema, ledger);
  EXPECT_EQ(made.errors.text(), "");
  return made.errors.empty() ? made.ledgers[0].after_text : "";
}

string errors_after(const string& schema, const string& ledger) {
  return compile_with(schema, ledger).errors.text();
}

string line_of(const string& ledger, const string& begin) {
  const std::size_t at = ledger.find('\n' + begin);
  return at == string::npos ? "" : ledger.substr(at + 1, ledger.find('\n', at + 1) - at - 1);
}

TEST(evolution, the_same_schema_leaves_the_ledger_as_it_is) {
  const string ledger = ledger_after(first);
  EXPECT_EQ(ledger_after(first, ledger), ledger);
}

TEST(evolution, what_was_placed_stays_where_it_is) {
  const string before = ledger_after(first);
  const string after =
      ledger_after(schema_of("      - {tag: 4, name: added, type: int8}\n"
                             "      - {tag: 3, name: note, type: string, optional: true}\n"
                             "      - {tag: 1, name: id, type: uint64}\n"
                             "      - {tag: 2, name: price, type: int64}\n"),
                   before);
  for (const char* field : {"message 1 ", "field 1.1 ", "field 1.2 ", "field 1.3 "})
    EXPECT_EQ(line_of(after, field), line_of(before, field));
  EXPECT_NE(line_of(after, "field 1.4 added"), "");
}

TEST(evolution, a_deleted_field_is_reserved_for_ever) {
  const string before = ledger_after(first);
  const string without =
      ledger_after(schema_of("      - {tag: 1, name: id, type: uint64}\n"), before);
  EXPECT_EQ(line_of(without, "field 1.2 "), line_of(before, "field 1.2 ") + " deleted");
  EXPECT_EQ(
      errors_after(schema_of("      - {tag: 1, name: id, type: uint64}\n"
                             "      - {tag: 2, name: other, type: int64}\n"),
                   without),
      "a.myra.yml:6:24: error: field 'other' takes tag 2 of 'price', which was deleted; numbers "
      "are never used again; the next free one is 4\n");
  const string later = ledger_after(schema_of("      - {name: id, type: uint64}\n"
                                              "      - {name: other, type: int64}\n"),
                                    without);
  EXPECT_NE(line_of(later, "field 1.4 other"), "");
  EXPECT_EQ(ledger_after(first, without), before) << "it may come back as it was";
}

TEST(evolution, a_rename_needs_an_alias) {
  const string before = ledger_after(first);
  const string renamed =
      "      - {tag: 1, name: id, type: uint64}\n"
      "      - {tag: 2, name: price_nanos, type: int64ALIAS}\n"
      "      - {tag: 3, name: note, type: string, optional: true}\n";
  const auto with = [&](const string& alias) {
    string text = renamed;
    return schema_of(text.replace(text.find("ALIAS"), 5, alias));
  };
  EXPECT_EQ(
      errors_after(with(""), before),
      "a.myra.yml:6:24: error: field 'price_nanos' takes tag 2 of 'price'; if it was renamed add "
      "'aliases: [price]', else the next free one is 4\n");
  const string after = ledger_after(with(", aliases: [price]"), before);
  EXPECT_NE(line_of(after, "field 1.2 price_nanos").find("aliases=price"), string::npos);
  EXPECT_EQ(ledger_after(with(""), after), after) << "the ledger remembers the old name";
}

TEST(evolution, changes_of_meaning_are_refused) {
  const string before = ledger_after(first);
  const struct {
    const char* price;
    const char* error;
  } cases[] = {
      {"{tag: 2, name: price, type: int32}",
       "a.myra.yml:6:24: error: field 'order.price' changes its type from int64 to int32; neither "
       "old readers of new messages survive it nor new readers of old ones: keep int64, or add"},
      {"{tag: 2, name: price, type: int64, optional: true}",
       "changes its presence from required to optional"},
      {"{tag: 2, name: price, type: int64, repeated: true}",
       "changes its presence from required to repeated"},
      {"{tag: 7, name: price, type: int64}", "has tag 7, and the ledger says 2; write 'tag: 2'"},
      {"{tag: 2, name: price, type: 'int64[2]'}", "changes its type from int64 to int64[2]"},
  };
  for (const auto& each : cases) {
    const string error = errors_after(
        schema_of("      - {tag: 1, name: id, type: uint64}\n      - " + string(each.price) +
                  "\n"
                  "      - {tag: 3, name: note, type: string, optional: true}\n"),
        before);
    EXPECT_NE(error.find(each.error), string::npos) << error;
  }
}

TEST(evolution, a_renamed_type_is_the_same_type) {
  const string before =
      "namespace: t\nenums: [{name: side, type: int8, values: [{name: buy, id: 0}]}]\n"
      "messages: [{name: m, fields: [{name: x, type: side}, {name: y, type: 'map<side, "
      "side>'}]}]\n";
  const string after =
      "namespace: t\nenums: [{name: way, aliases: [side], type: int8, values: [{name: buy, id: "
      "0}]}]\n"
      "messages: [{name: m, fields: [{name: x, type: way}, {name: y, type: 'map<way, way>'}]}]\n";
  const string ledger = ledger_after(after, ledger_after(before));
  EXPECT_NE(line_of(ledger, "enum 1 way int8").find("aliases=side"), string::npos);
  EXPECT_NE(line_of(ledger, "field 1.1 x way"), "");
  EXPECT_EQ(ledger_after(after, ledger), ledger);
}

TEST(evolution, importers_know_a_type_by_the_names_that_its_own_ledger_keeps) {
  const auto common = [](const string& side) {
    return "namespace: common\nenums: [{name: " + side +
           ", type: int8, values: [{name: buy, id: 0}]}]\n";
  };
  const auto importer = [](const string& side) {
    return "namespace: t\nimports: common.myra.yml\nmessages: [{name: m, fields: [{name: x, "
           "type: " +
           side + "}]}]\n";
  };
  std::map<string, string> files = {{"a.myra.yml", importer("side")},
                                    {"common.myra.yml", common("side")}};
  const auto lock = [&](const string& stem) {
    const compiled made = compile({.schema_path = stem + ".myra.yml"}, memory_source(files));
    EXPECT_EQ(made.errors.text(), "");
    if (made.errors.empty()) files[stem + ".myra.lock"] = made.ledgers[0].after_text;
  };
  lock("a");
  lock("common");
  files["common.myra.yml"] = common("way, aliases: [side]");
  lock("common");
  files["common.myra.yml"] = common("way");
  files["a.myra.yml"] = importer("way");
  lock("a");
  EXPECT_EQ(line_of(files["a.myra.lock"], "field 1.1 "),
            "field 1.1 x common.way required offset=0 size=1");
}

TEST(evolution, enum_values_keep_their_numbers) {
  const auto with = [](const string& values) {
    return "namespace: t\nenums: [{name: side, type: int8, values: [" + values + "]}]\n";
  };
  const string before = ledger_after(with("{name: buy, id: 0}, {name: sell, id: 1}"));
  EXPECT_NE(errors_after(with("{name: buy, id: 0}, {name: sell, id: 2}"), before)
                .find("value 'side.sell' changes its id from 1 to 2; write 'id: 1'"),
            string::npos);
  const string after = ledger_after(with("{name: buy, id: 0}"), before);
  EXPECT_EQ(line_of(after, "value 1:1 "), "value 1:1 sell deleted");
  EXPECT_NE(errors_after(with("{name: buy, id: 0}, {name: hold, id: 1}"), after)
                .find("value 'hold' takes id 1 of 'sell', which was deleted"),
            string::npos);
}

TEST(evolution, two_branches_that_add_a_field_fail_loudly_or_merge) {
  const string base = ledger_after(first);
  const auto branch = [&](const string& name) {
    string schema = first;
    return ledger_after(schema + "      - {tag: 4, name: " + name + ", type: int32}\n", base);
  };
  const string one = branch("left");
  const string other = line_of(branch("right"), "field 1.4 ");
  const string merged = one + other + "\n";  // What git's union of the two lines gives.
  EXPECT_NE(errors_after(first, merged).find("tag 4 of 'right' is that of 'left'"), string::npos)
      << errors_after(first, merged);
}

TEST(evolution, a_ledger_that_was_edited_is_refused) {
  string ledger = ledger_after(first);
  ledger.replace(ledger.find("size=8"), 6, "size=4");
  EXPECT_NE(errors_after(first, ledger).find("a place that does not fit its type"), string::npos);
}

TEST(evolution, groups_and_oneofs_have_identities_too) {
  const auto with = [](const string& leg, const string& way) {
    return schema_of("      - {tag: 1, name: legs, type: group, fields: [" + leg + "]}\n" +
                     "      - {tag: 2, name: pay, type: oneof, fields: [" + way + "]}\n");
  };
  const string before = ledger_after(with("{name: x, type: int32}, {name: y, type: string}",
                                          "{name: card, type: string}, {name: cash, type: int64}"));
  EXPECT_NE(line_of(before, "field 1.1.2 y string required slot="), "");
  EXPECT_NE(line_of(before, "field 1.2.2 cash int64"), "");
  const string after =
      ledger_after(with("{name: y, type: string}", "{name: cash, type: int64}"), before);
  EXPECT_EQ(line_of(after, "field 1.1.1 "), line_of(before, "field 1.1.1 ") + " deleted");
  EXPECT_EQ(line_of(after, "field 1.2.1 "), line_of(before, "field 1.2.1 ") + " deleted");
  EXPECT_NE(errors_after(with("{name: y, type: bytes}", "{name: cash, type: int64}"), before)
                .find("changes its type from string to bytes"),
            string::npos);
  EXPECT_NE(errors_after(with("{name: y, type: string}", "{tag: 1, name: iou, type: int64}"), after)
                .find("takes tag 1 of 'card', which was deleted"),
            string::npos);
}

TEST(diff, says_what_readers_survive) {
  diagnostics errors;
  errors.add_file("a");
  const ledger before = read_ledger(ledger_after(first), 0, errors);
  const ledger after = read_ledger(
      ledger_after(
          schema_of(
              "      - {tag: 1, name: id, type: uint64}\n"
              "      - {tag: 3, name: remark, type: string, optional: true, aliases: [note]}\n"
              "      - {tag: 4, name: size, type: int32, default: 7}\n"),
          ledger_after(first)),
      0, errors);
  EXPECT_EQ(text_of(changes_between(before, after)),
            "order.price (2): deleted, its tag and place stay taken\n"
            "  old readers, new messages: survive: see its zero value in new messages\n"
            "  new readers, old messages: survive: skip it\n"
            "order.remark (3): renamed from note\n"
            "  old readers, new messages: survive: names are not in the bytes\n"
            "  new readers, old messages: survive; source code that uses the old name must change\n"
            "order.size (4): added, required int32\n"
            "  old readers, new messages: survive: skip it\n"
            "  new readers, old messages: survive: see the default '7' in old messages\n");
}

TEST(diff, takes_a_renamed_type_for_the_same_and_another_one_for_a_break) {
  const auto text = [](const string& before, const string& after) {
    ledger one;
    one.messages.emplace_back().name = "m";
    one.messages[0].fields.emplace_back().name = "x";
    one.messages[0].fields[0].tag = 1;
    ledger other = one;
    one.messages[0].fields[0].type = before;
    other.messages[0].fields[0].type = after;
    return text_of(changes_between(one, other));
  };
  const string renamed = "survive: names are not in the bytes";
  EXPECT_EQ(
      text("side", "way"),
      "m.x (1): type renamed from side to way\n"
      "  old readers, new messages: survive: names are not in the bytes\n"
      "  new readers, old messages: survive; source code that uses the old name must change\n");
  EXPECT_NE(text("map<side,c.item>", "map<way,c.thing>").find(renamed), string::npos);
  EXPECT_NE(text("side[4]", "way[5]").find("BREAK"), string::npos);
  EXPECT_NE(text("side", "int8").find("BREAK"), string::npos);
  EXPECT_NE(text("int8", "int16").find("BREAK"), string::npos);
}

TEST(diff, knows_a_renamed_type_by_its_id) {
  ledger one;
  for (const std::uint32_t id : {1U, 2U}) one.enums.emplace_back().id = id;
  one.enums[0].name = "side";
  one.enums[1].name = "way";
  one.messages.emplace_back().name = "m";
  one.messages[0].fields.emplace_back().name = "x";
  one.messages[0].fields[0].type = "side";
  ledger other = one;
  other.messages[0].fields[0].type = "way";
  EXPECT_NE(text_of(changes_between(one, other)).find("BREAK"), string::npos);
  other.enums[0].name = "direction";
  other.messages[0].fields[0].type = "direction";
  EXPECT_EQ(text_of(changes_between(one, other)).find("BREAK"), string::npos);
}

TEST(compile, an_import_keeps_a_ledger_of_its_own) {
  const compiled made =
      compile({.schema_path = "s/a.myra.yml", .ledger_path = "locks/mine.lock"},
              memory_source({{"s/a.myra.yml", "namespace: a\nimports: b.myra.yml\n"},
                             {"s/b.myra.yml", "namespace: b\n"}}));
  EXPECT_EQ(made.errors.text(), "");
  ASSERT_EQ(made.ledgers.size(), 2u);
  EXPECT_EQ(made.ledgers[0].path, "locks/mine.lock");
  EXPECT_EQ(made.ledgers[1].path, "locks/b.myra.lock");
}

}  // namespace
}  // namespace myra::schema
