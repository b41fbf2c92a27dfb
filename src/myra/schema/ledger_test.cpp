#include "myra/schema/ledger.hpp"

#include <gtest/gtest.h>

#include <string>

namespace myra::schema {
namespace {

using std::string;

const string head =
    "# The ledger of a.myra.yml: written by myrac, to be committed, not to be edited.\n"
    "myra-lock 1\n";

const string sample =
    head +
    "message 1 order base=12,3\n"
    "field 1.1 id uint64 required offset=0 size=8\n"
    "field 1.2 symbol string required slot=0\n"
    "field 1.3 note string optional slot=1 bit=64 default=a%20b%25 aliases=remark,text\n"
    "field 1.4 legs group repeated slot=2 base=4,0\n"
    "field 1.4.1 side side required offset=0 size=1\n"
    "field 1.4.2 ratio int32 required offset=1 size=3 deleted\n"
    "field 1.5 pay oneof required slot=3\n"
    "field 1.5.1 card string required\n"
    "field 1.7 live bool required value_bit=65\n"
    "message 9 gone base=0,0 deleted\n"
    "enum 1 side int8\n"
    "value 1:-1 sell\n"
    "value 1:0 buy aliases=bid deleted\n"
    "enum 2 wide uint64\n"
    "value 2:18446744073709551615 all\n";

string errors_of_ledger(const string& text) {
  diagnostics errors;
  errors.add_file("a.myra.lock");
  static_cast<void>(read_ledger(text, 0, errors));
  return errors.text();
}

TEST(ledger, is_written_as_it_was_read) {
  diagnostics errors;
  errors.add_file("a.myra.lock");
  const ledger made = read_ledger(sample, 0, errors);
  EXPECT_EQ(errors.text(), "");
  EXPECT_EQ(write_ledger(made, "a"), sample);
  EXPECT_EQ(made.messages[0].fields[2].default_text, "a b%");
  EXPECT_EQ(made.messages[0].fields[3].fields.size(), 2u);
  EXPECT_TRUE(made.messages[1].is_deleted);
}

TEST(ledger, merges_that_went_wrong_fail_with_both_names) {
  EXPECT_EQ(
      errors_of_ledger(head + "message 1 a base=0,0\nmessage 1 b base=0,0\n"),
      "a.myra.lock:4:1: error: id 1 of 'b' is that of 'a' in line 3; two branches took it: delete "
      "the line of the one that is not released yet and run myrac lock\n");
  EXPECT_NE(
      errors_of_ledger(head + "message 1 a base=0,0\nfield 1.1 x int8 required offset=0 size=1\n"
                              "field 1.1 y int8 required offset=1 size=1\n")
          .find("tag 1 of 'y' is that of 'x' in line 4"),
      string::npos);
  EXPECT_NE(
      errors_of_ledger(head + "message 1 a base=0,0\nfield 1.1 x int64 required offset=0 size=8\n"
                              "field 1.2 y int8 required offset=7 size=1\n")
          .find("field 'y' lies where 'x' of line 4 lies"),
      string::npos);
  EXPECT_NE(errors_of_ledger(head + "message 1 a base=0,0\nfield 1.1 x string required slot=0\n"
                                    "field 1.2 y string required slot=0\n")
                .find("field 'y' lies where 'x' of line 4 lies"),
            string::npos);
  EXPECT_NE(errors_of_ledger(head + "message 1 a base=0,0\nfield 1.1 x bool required value_bit=9\n"
                                    "field 1.2 y int8 required offset=1 size=1\n")
                .find("field 'y' lies where 'x' of line 4 lies"),
            string::npos);
  EXPECT_NE(errors_of_ledger(head + "enum 1 a int8\nvalue 1:1 x\nvalue 1:1 y\n")
                .find("id 1 of 'y' is that of 'x' in line 4"),
            string::npos);
}

TEST(ledger, conflict_marks_are_refused) {
  const string error =
      errors_of_ledger(head + "<<<<<<< HEAD\nmessage 1 a\n=======\nmessage 1 b\n>>>>>>> x\n");
  EXPECT_NE(error.find("a.myra.lock:3:1: error: a merge conflict that is not resolved"),
            string::npos)
      << error;
}

TEST(ledger, what_is_no_ledger_is_refused) {
  EXPECT_NE(errors_of_ledger("").find("not a ledger"), string::npos);
  EXPECT_NE(errors_of_ledger("myra-lock 2\n").find("a newer myrac may know more"), string::npos);
  for (const char* line :
       {"message", "message 0 a", "message 1", "message x a", "message 65536 a",
        "message 1 a base=1", "field 1.1 x int8 required", "nonsense 1 2", "enum 1 a",
        "enum 1 a string", "value 1:0 a", "message 1 a unknown=1", "message 1 a base=65536,0"})
    EXPECT_NE(errors_of_ledger(head + line + "\n").find("this line cannot be understood"),
              string::npos)
        << line;
  for (const char* line :
       {"field 1.0 x int8 required offset=0 size=1", "field 1.4096 x int8 required",
        "field 2.1 x int8 required", "field 1.1.1 x int8 required", "field 1 x int8 required",
        "field 1.1 x int8 maybe", "field 1.1 x int8 required offset=0",
        "field 1.1 x int8 required offset=99999 size=1", "field 1.1 x < required",
        "field 1.1 x int8 required default=%2"})
    EXPECT_NE(errors_of_ledger(head + "message 1 a base=0,0\n" + line + "\n")
                  .find("this line cannot be understood"),
              string::npos)
        << line;
}

}  // namespace
}  // namespace myra::schema
