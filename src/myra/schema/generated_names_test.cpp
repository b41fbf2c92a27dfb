#include "myra/schema/generated_names.hpp"

#include <gtest/gtest.h>

#include <string>

#include "myra/schema/memory_source_test.hpp"

namespace myra::schema {
namespace {

using std::string;

TEST(generated_names, refuses_messages_named_as_what_generated_code_has_within_them) {
  for (const char* name : {"verify", "build", "build_large", "view", "depth", "size_bytes"}) {
    const string told = errors_of(head + "messages: [{name: " + name + "}]\n");
    EXPECT_NE(told.find(string("2:19: error: generated code needs the name '") + name +
                        "' within this message; rename it"),
              string::npos)
        << told;
  }
  EXPECT_NE(errors_of(head + "messages: [{name: x_choice, fields: [{name: x, type: oneof, fields: "
                             "[{tag: 1, name: a, type: int8}]}]}]\n")
                .find("generated code needs the name 'x_choice'"),
            string::npos);
}

TEST(generated_names, refuses_names_that_meet_in_generated_code) {
  EXPECT_NE(errors_of(head + "messages: [{name: a}, {name: a_view}]\n")
                .find("2:30: error: generated code needs the name 'trading.a_view' for 'a_view' "
                      "and for 'a'"),
            string::npos)
      << errors_of(head + "messages: [{name: a}, {name: a_view}]\n");
  EXPECT_NE(error_of_field("name: finish, type: int8").find("for 'the code itself'"), string::npos);
  EXPECT_NE(error_of_field("name: order, type: int8").find("for 'the code itself'"), string::npos);
  EXPECT_NE(error_of_field("name: block_, type: int8").find("ends with '_'"), string::npos);
  EXPECT_NE(errors_of(with_fields("      - {name: a, type: int8, optional: true, default: 1}\n"
                                  "      - {name: has_a, type: int8}\n"))
                .find("the name 'has_a' for 'has_a' and for 'a'"),
            string::npos);
}

TEST(generated_names, refuses_alternatives_named_as_what_a_oneof_has_in_any_case) {
  const auto error_of = [](const string& alternative) {
    return error_of_field("name: by, type: oneof, fields: [{name: " + alternative +
                          ", type: int8}]");
  };
  EXPECT_EQ(error_of("none"),
            "a.myra.yml:5:49: error: generated code needs the name 'none' for 'none' and for 'the "
            "code itself'; rename one of them; an alias keeps its identity\n");
  for (const char* name : {"which", "kind"})
    EXPECT_NE(
        error_of(name).find(string("the name 'by_") + name + "' for '" + name + "' and for 'by'"),
        string::npos)
        << error_of(name);
  EXPECT_EQ(error_of("cash"), "");
}

TEST(generated_names, refuses_a_type_named_as_the_function_that_names_values) {
  const string values = "type: int8, values: [{name: a, id: 0}]}]\n";
  const string right = "generated code needs the name 'trading.name_of' for 'name_of' and for";
  EXPECT_NE(errors_of(head + "enums: [{name: name_of, " + values).find(right), string::npos);
  EXPECT_NE(
      errors_of(head + "messages: [{name: name_of}]\nenums: [{name: e, " + values).find(right),
      string::npos);
  EXPECT_EQ(errors_of(head + "messages: [{name: name_of}]\n"), "");
}

TEST(generated_names, refuses_a_type_named_as_a_namespace) {
  const auto error_of = [](const string& name_space) {
    diagnostics errors;
    static_cast<void>(model_of({{"a.myra.yml",
                                 "namespace: shop\nimports: b.myra.yml\n"
                                 "messages: [{name: order}]\n"},
                                {"b.myra.yml", "namespace: " + name_space + "\n"}},
                               errors));
    return errors.text();
  };
  EXPECT_EQ(
      error_of("shop.order.lines"),
      "a.myra.yml:3:19: error: generated code needs the name 'shop.order' for 'order' and for "
      "'a namespace'; rename one of them; an alias keeps its identity\n");
  EXPECT_EQ(error_of("order.shop"), "");
}

}  // namespace
}  // namespace myra::schema
