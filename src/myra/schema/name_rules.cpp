#include "myra/schema/name_rules.hpp"

#include <algorithm>
#include <array>

#include "myra/schema/diagnostics.hpp"

namespace myra::schema {
namespace {

constexpr auto keywords =
    std::to_array<std::string_view>({"alignas",       "alignof",     "and",
                                     "and_eq",        "asm",         "auto",
                                     "bitand",        "bitor",       "bool",
                                     "break",         "case",        "catch",
                                     "char",          "char16_t",    "char32_t",
                                     "char8_t",       "class",       "co_await",
                                     "co_return",     "co_yield",    "compl",
                                     "concept",       "const",       "const_cast",
                                     "consteval",     "constexpr",   "constinit",
                                     "continue",      "decltype",    "default",
                                     "delete",        "do",          "double",
                                     "dynamic_cast",  "else",        "enum",
                                     "explicit",      "export",      "extern",
                                     "false",         "float",       "for",
                                     "friend",        "goto",        "if",
                                     "inline",        "int",         "long",
                                     "mutable",       "namespace",   "new",
                                     "noexcept",      "not",         "not_eq",
                                     "nullptr",       "operator",    "or",
                                     "or_eq",         "private",     "protected",
                                     "public",        "register",    "reinterpret_cast",
                                     "requires",      "return",      "short",
                                     "signed",        "sizeof",      "static",
                                     "static_assert", "static_cast", "struct",
                                     "switch",        "template",    "this",
                                     "thread_local",  "throw",       "true",
                                     "try",           "typedef",     "typeid",
                                     "typename",      "union",       "unsigned",
                                     "using",         "virtual",     "void",
                                     "volatile",      "wchar_t",     "while",
                                     "xor",           "xor_eq"});
static_assert(std::ranges::is_sorted(keywords));

// Macros of headers that generated code or its users include.
constexpr auto macros = std::to_array<std::string_view>(
    {"EOF", "INFINITY", "NAN", "NULL", "assert", "errno", "linux", "offsetof", "stderr", "stdin",
     "stdout", "unix", "va_arg", "va_end", "va_start"});
static_assert(std::ranges::is_sorted(macros));

bool is_letter(char each) { return (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z'); }
bool is_digit(char each) { return each >= '0' && each <= '9'; }

bool is_word(std::string_view name) {
  return !name.empty() && is_letter(name.front()) && std::ranges::all_of(name, [](char each) {
    return is_letter(each) || is_digit(each) || each == '_';
  });
}

std::string cut(std::string_view thing, std::string_view name) {
  return std::string(thing) + " name " + in_quotes(name);
}

}  // namespace

name_verdict judge_name(std::string_view name, std::string_view thing) {
  if (name.size() > name_size_max)
    return {cut(thing, name) + " has " + std::to_string(name.size()) + " letters",
            "at most " + std::to_string(name_size_max)};
  if (!is_word(name))
    return {cut(thing, name) + " is not a name",
            "use letters of A-Z, digits and '_', with a letter first"};
  if (name.find("__") != std::string_view::npos)
    return {cut(thing, name) + " has two '_' in a row, which C++ keeps for itself", "use one"};
  if (name.ends_with('_'))
    return {cut(thing, name) + " ends with '_', which generated code keeps for itself",
            "leave it out"};
  if (std::ranges::binary_search(keywords, name))
    return {cut(thing, name) + " is a keyword of C++", "try " + std::string(name) + "_value"};
  if (std::ranges::binary_search(macros, name))
    return {cut(thing, name) + " is a macro of C or C++", "try " + std::string(name) + "_value"};
  if (name == "std" || name == "myra")
    return {cut(thing, name) + " would hide the namespace that generated code uses",
            "try " + std::string(name) + "_value"};
  return {};
}

name_verdict judge_namespace_part(std::string_view name) {
  // A namespace `myra` within another one hides nothing: generated code writes ::myra.
  return name == "myra" ? name_verdict{} : judge_name(name, "namespace");
}

}  // namespace myra::schema
