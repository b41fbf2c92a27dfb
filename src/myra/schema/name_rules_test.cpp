#include "myra/schema/name_rules.hpp"

#include <gtest/gtest.h>

#include <string>

#include "myra/schema/memory_source_test.hpp"

namespace myra::schema {
namespace {

using std::string;

TEST(name_rules, refuses_names_that_are_macros_of_the_headers_that_generated_code_includes) {
  for (const char* name :
       {"EINVAL", "E2BIG", "ENOENT", "INT64_MAX", "UINT8_C", "INT_MIN", "UINT_FAST16_MAX",
        "INTMAX_WIDTH", "UINTPTR_MAX", "INT_LEAST32_MIN", "SIZE_MAX", "CHAR_BIT", "RAND_MAX"}) {
    EXPECT_NE(error_of_field("type: int8, name: " + string(name)).find("is a macro of C or C++"),
              string::npos)
        << name;
  }
  for (const char* name : {"EUR", "EXPIRED", "INTEREST_MAX", "INT", "UNIT_C", "INT64"})
    EXPECT_EQ(error_of_field("type: int8, name: " + string(name)), "");
}

TEST(name_rules, takes_any_word_for_a_former_name) {
  EXPECT_EQ(error_of_field("type: int8, name: path_max, aliases: [PATH_MAX, class, a__b]"), "");
  EXPECT_NE(error_of_field("type: int8, name: path_max, aliases: [a-b]").find("is not a name"),
            string::npos);
}

TEST(name_rules, refuses_a_namespace_that_meets_a_function_of_c) {
  EXPECT_EQ(errors_of("namespace: time.zones\n"),
            "a.myra.yml:1:12: error: namespace name 'time' is that of a function or variable of C; "
            "try time_messages\n");
  EXPECT_EQ(errors_of("namespace: shop.time\n"), "");
}

}  // namespace
}  // namespace myra::schema
