#include "myra/schema/generate_view.hpp"

#include <cstddef>

#include "myra/schema/generate_types.hpp"

namespace myra::schema {
namespace {

std::string number(std::uint32_t value) { return std::to_string(value); }

/// One accessor, in pieces.
struct accessor {
  std::string result;
  std::string name;
  std::string body;                    ///< One or more statements, separated by line ends.
  bool is_late = false;                ///< Whether its body needs other views to be complete.
  const field* alternative = nullptr;  ///< The one that it is for, of a oneof.
};

/// Makes the accessors of one message.
class accessors {
 public:
  accessors(const model& schema, const field& in, const field_layout& at)
      : schema_(schema), in_(in), at_(at), placed_(at.placed) {}

  std::vector<accessor> make() {
    if (in_.value.kind == type_kind::oneof) return choice();
    std::vector<accessor> made;
    const bool is_absent_able =
        is_optional(in_.given) && (in_.value.kind == type_kind::message && !is_repeated(in_.given)
                                       ? true
                                       : placed_.bit != placement::none);
    const std::string plain = cpp_view_type(schema_, in_);
    if (is_absent_able && has_default(in_))
      made.push_back({"bool", "has_" + in_.name, "return " + is_present() + ";", false});
    if (is_absent_able && !has_default(in_)) {
      made.push_back({"std::optional<" + plain + ">", in_.name, optional_body(plain), is_late()});
    } else {
      made.push_back({plain, in_.name, required_body(), is_late()});
    }
    return made;
  }

 private:
  [[nodiscard]] bool is_late() const {
    if (in_.value.kind == type_kind::message) return true;
    return in_.value.kind == type_kind::map;
  }

  [[nodiscard]] std::string is_present() const { return cpp_is_present(at_); }
  [[nodiscard]] std::string region() const { return cpp_region(at_); }

  /// An expression: the value, where the bytes hold it.
  [[nodiscard]] std::string value() const {
    const std::string of = "::of(" + region() + ", block_.found())";
    if (is_repeated(in_.given) || in_.value.kind == type_kind::map)
      return cpp_view_type(schema_, in_) + of;
    if (in_.value.kind == type_kind::message)
      return cpp_view_type(schema_, in_) + "::at_(" + region() + ", block_.found())";
    if (placed_.slot != placement::none)
      return in_.value.kind == type_kind::string ? "::myra::as_text(" + region() + ")" : region();
    if (in_.fixed_capacity > 0) {
      const std::string held =
          "block_.held(" + number(placed_.offset_bytes) + ", " + number(in_.fixed_capacity) + ")";
      return in_.value.kind == type_kind::string ? "::myra::as_text(" + held + ")" : held;
    }
    if (is_lone_bool(in_)) return "block_.bit(" + number(placed_.value_bit) + ")";
    if (in_.value.array_count > 0)
      return cpp_view_type(schema_, in_) + "(block_.pivot() + " + number(placed_.offset_bytes) +
             ", " + number(in_.value.array_count) + ")";
    return "block_.scalar<" + cpp_view_type(schema_, in_) + ">(" + number(placed_.offset_bytes) +
           ")";
  }

  [[nodiscard]] std::string optional_body(const std::string& plain) const {
    if (in_.value.kind == type_kind::message && !is_repeated(in_.given))
      return "const ::myra::byte_view region = " + region() +
             ";\nif (region.empty()) return std::nullopt;\nreturn " + plain +
             "::at_(region, block_.found());";
    if (at_.in_base && is_lone_bool(in_))
      return "return block_.optional_bit(" + number(placed_.bit) + ", " +
             number(placed_.value_bit) + ");";
    if (at_.in_base && placed_.slot == placement::none && in_.fixed_capacity == 0 &&
        in_.value.array_count == 0)
      return "return block_.optional_scalar<" + plain + ">(" + number(placed_.bit) + ", " +
             number(placed_.offset_bytes) + ");";
    return "if (!(" + is_present() + ")) return std::nullopt;\nreturn " + value() + ";";
  }

  [[nodiscard]] std::string required_body() const {
    const std::string otherwise = " : " + cpp_default(schema_, in_) + ";";
    if (placed_.bit != placement::none && has_default(in_))
      return "return " + is_present() + " ? " + value() + otherwise;
    const bool is_scalar = placed_.slot == placement::none;
    if (is_scalar && !at_.in_base)
      return "return " + cpp_has_place(placed_) + " ? " + value() + otherwise;
    return "return " + value() + ";";
  }

  [[nodiscard]] std::vector<accessor> choice() const {
    std::vector<accessor> made;
    made.push_back(
        {in_.name + "_kind", in_.name + "_which",
         "return static_cast<" + in_.name + "_kind>(::myra::codec::choice_in(" + region() + "));",
         false});
    for (const field& one : in_.alternatives) {
      const std::string plain = cpp_view_type(schema_, one);
      made.push_back({"std::optional<" + plain + ">", in_.name + "_" + one.name,
                      "const ::myra::byte_view region = " + region() +
                          ";\nif (::myra::codec::choice_in(region) != " + number(one.tag) +
                          ") return std::nullopt;\nreturn " + chosen(one, plain) + ";",
                      one.value.kind == type_kind::message, &one});
    }
    return made;
  }

  [[nodiscard]] static std::string chosen(const field& one, const std::string& plain) {
    std::string value = "::myra::codec::chosen_value(region)";
    if (one.value.kind == type_kind::message) return plain + "::at_(" + value + ", block_.found())";
    if (one.value.kind == type_kind::string) return "::myra::as_text(" + value + ")";
    if (one.value.kind == type_kind::bytes) return value;
    if (one.value.array_count > 0)
      return plain + "(" + value + ".data(), " + number(one.value.array_count) + ")";
    return "::myra::codec::scalar_traits<" + plain + ">::get(" + value + ".data())";
  }

  const model& schema_;
  const field& in_;
  const field_layout& at_;
  const placement& placed_;
};

std::string indented(const std::string& body, const std::string& indent) {
  std::string text = indent;
  for (const char one : body) {
    text += one;
    if (one == '\n') text += indent;
  }
  return text + "\n";
}

std::string kinds_of(const field& in) {
  std::string text = "  /// Which alternative of " + in.name +
                     " is there. Another number is one of a newer version.\n  enum class " +
                     in.name + "_kind : std::uint16_t {\n    none = 0,\n";
  for (const field& one : in.alternatives) {
    const std::string mark = cpp_deprecated(marked(&one, in));
    text +=
        cpp_comment(one, "    ") + "    " + one.name + " " + mark + "= " + number(one.tag) + ",\n";
  }
  return text + "  };\n";
}

std::string declaration_of(const message& of, const field& in, const accessor& one) {
  std::string text = cpp_comment(in, "  ") + "  " + cpp_deprecated(marked(one.alternative, in)) +
                     "[[nodiscard]] " + one.result + " " + one.name + "() const noexcept";
  (void)of;
  if (one.is_late) return text + ";\n";
  return text + " {\n" + indented(one.body, "    ") + "  }\n";
}

}  // namespace

std::string generate_view(const model& schema, const message& of, const message_layout& at) {
  const std::string name = of.name + "_view";
  std::string text =
      "/// Reads a verified " + of.name +
      " where it lies. Borrows the bytes; passed by value.\n"
      "class " +
      name + " {\n public:\n  using message_ = " + of.name + ";\n" +
      "  static constexpr bool has_slots_ = " + (at.slot_count > 0 ? "true" : "false") + ";\n\n";
  for (std::size_t i = 0; i < of.fields.size(); ++i) {
    const field& in = of.fields[i];
    if (in.value.kind == type_kind::oneof) text += kinds_of(in);
    for (const accessor& one : accessors(schema, in, at.fields[i]).make())
      text += declaration_of(of, in, one);
  }
  text +=
      "\n  /// For generated code: the view of a block that was verified.\n  explicit " + name +
      "(const ::myra::codec::block& in) noexcept : block_(in) {}\n  static " + name +
      " at_(::myra::byte_view region, ::myra::codec::form found) noexcept;\n"
      "  template <class Builder_>\n  void copy_to_(Builder_& to_) const noexcept;\n\n private:\n"
      "  ::myra::codec::block block_;\n};\n\n";
  return text;
}

std::string generate_view_bodies(const model& schema, const message& of, const message_layout& at) {
  const std::string name = of.name + "_view";
  std::string text = "inline " + name + " " + name +
                     "::at_(::myra::byte_view region, ::myra::codec::form found) noexcept {\n" +
                     "  return " + name + "(::myra::codec::block_in<" + cpp_name(schema, of) +
                     ">(region, found));\n}\n";
  for (std::size_t i = 0; i < of.fields.size(); ++i) {
    for (const accessor& one : accessors(schema, of.fields[i], at.fields[i]).make()) {
      if (!one.is_late) continue;
      text += "inline " + one.result + " " + name + "::" + one.name + "() const noexcept {\n" +
              indented(one.body, "  ") + "}\n";
    }
  }
  return text + "\n";
}

}  // namespace myra::schema
