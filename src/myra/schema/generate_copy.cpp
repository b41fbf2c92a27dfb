#include "myra/schema/generate_copy.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "myra/schema/generate_types.hpp"

namespace myra::schema {
namespace {

// Names with an underscore at their end: no field has one, and so none is hidden.
constexpr std::string_view copy_element =
    ", [](auto& inside_, const auto& one_) { one_.copy_to_(inside_); }";
constexpr std::string_view copy_entry =
    ", [](auto& inside_, const auto& one_) { one_.value().copy_to_(inside_); }";

bool is_message(const field& in) {
  return in.value.kind == type_kind::message && !is_repeated(in.given);
}

/// What the builder takes for what the view gives.
std::string argument(const model& schema, const field& in, const std::string& given) {
  if (in.value.array_count > 0 && !is_repeated(in.given))
    return "::myra::codec::array_of<" + cpp_type(schema, in.value) + ">(" + given + ")";
  if (is_repeated(in.given) && in.value.kind == type_kind::message)
    return given + std::string(copy_element);
  if (in.value.kind == type_kind::map && in.value.parameters[1].kind == type_kind::message)
    return given + std::string(copy_entry);
  return given;
}

std::string copy_choice(const model& schema, const field& in) {
  std::string text;
  for (const field& one : in.alternatives) {
    const std::string name = in.name + "_" + one.name;
    text += "  if (const auto value_ = " + name + "()) ";
    text += one.value.kind == type_kind::message
                ? "to_." + name + "([&](auto& inside_) { value_->copy_to_(inside_); });\n"
                : "to_." + name + "(" + argument(schema, one, "*value_") + ");\n";
  }
  return text;
}

std::string copy_field(const model& schema, const field& in, const field_layout& at) {
  if (in.value.kind == type_kind::oneof) return copy_choice(schema, in);
  if (is_message(in))
    return "  if (!" + cpp_region(at) + ".empty()) to_." + in.name + "([&](auto& inside_) { " +
           in.name + (is_optional(in.given) ? "()->" : "().") + "copy_to_(inside_); });\n";
  const bool has_bit = at.placed.bit != placement::none;
  const bool is_wrapped = has_bit && is_optional(in.given) && !has_default(in);
  const std::string given = (is_wrapped ? "*" : "") + in.name + "()";
  return (has_bit ? "  if (" + cpp_is_present(at) + ") to_." : "  to_.") + in.name + "(" +
         argument(schema, in, given) + ");\n";
}

}  // namespace

std::string generate_copy(const model& schema, const message& of, const message_layout& at) {
  std::string copies;
  for (const std::size_t i : writing_order(at))
    copies += copy_field(schema, of.fields[i], at.fields[i]);
  std::string text = "template <class Builder_>\nvoid " + of.name + "_view::copy_to_(" +
                     (copies.empty() ? "Builder_&" : "Builder_& to_") + ") const noexcept {\n" +
                     copies + "}\n";
  const bool uses_deprecated = std::ranges::any_of(of.fields, [](const field& in) {
    return in.deprecated || std::ranges::any_of(in.alternatives, &field::deprecated);
  });
  if (!uses_deprecated) return text;
  return "#pragma GCC diagnostic push\n"
         "#pragma GCC diagnostic ignored \"-Wdeprecated-declarations\"\n" +
         text + "#pragma GCC diagnostic pop\n";
}

}  // namespace myra::schema
