#include "myra/schema/generate_builder.hpp"

#include <cstddef>

#include "myra/schema/generate_types.hpp"

namespace myra::schema {
namespace {

std::string number(std::uint32_t value) { return std::to_string(value); }

std::string nested_builder(const model& schema, const type& of) {
  const message& inside = schema.messages[of.index];
  std::string text;
  for (const std::string& part : schema.files[inside.file].name_space) text += "::" + part;
  return text + "::basic_" + inside.name + "_builder<W_, ::myra::codec::role::nested>";
}

/// One setter, in pieces.
struct setter {
  std::string head;  ///< What stands before the name: a template's parameters.
  std::string name;
  std::string parameters;
  std::string body;                    ///< Statements, separated by line ends.
  std::string note;                    ///< A line of comment.
  const field* alternative = nullptr;  ///< The one that it is for, of a oneof.
};

class setters {
 public:
  setters(const model& schema, const field& in, const field_layout& at)
      : schema_(schema), in_(in), placed_(at.placed) {}

  [[nodiscard]] std::vector<setter> make() const {
    if (in_.value.kind == type_kind::oneof) return choice();
    if (is_repeated(in_.given)) return list();
    if (in_.value.kind == type_kind::map) return {map()};
    if (in_.value.kind == type_kind::message) return {nested()};
    return {value()};
  }

 private:
  [[nodiscard]] std::string set_bit(const std::string& to = "true") const {
    if (placed_.bit == placement::none) return {};
    return "fields_.put_bit(" + number(placed_.bit) + ", " + to + ");\n";
  }

  [[nodiscard]] std::string put(const std::string& of) const {
    const std::string bytes =
        in_.value.kind == type_kind::string ? "::myra::as_bytes(" + of + ")" : of;
    if (in_.fixed_capacity > 0)
      return "fields_.put_held(" + number(placed_.offset_bytes) + ", " +
             number(in_.fixed_capacity) + ", " + bytes + ");";
    if (placed_.slot != placement::none)
      return "fields_.bytes(" + number(placed_.slot) + ", " + bytes + ");";
    if (is_lone_bool(in_)) return "fields_.put_bit(" + number(placed_.value_bit) + ", " + of + ");";
    return "fields_.put(" + number(placed_.offset_bytes) + ", " + of + ");";
  }

  [[nodiscard]] setter value() const {
    const std::string plain = cpp_type(schema_, in_.value);
    if (!is_optional(in_.given)) {
      const bool by_reference = in_.value.array_count > 0;
      return {"", in_.name, (by_reference ? "const " + plain + "& value" : plain + " value"),
              set_bit() + put("value"), ""};
    }
    if (is_lone_bool(in_))
      return {"", in_.name, "std::optional<bool> value",
              "fields_.put_optional_bit(" + number(placed_.bit) + ", " + number(placed_.value_bit) +
                  ", value);",
              ""};
    return {"", in_.name, "std::optional<" + plain + "> value",
            set_bit("value.has_value()") + put("value.value_or(" + plain + "{})"), ""};
  }

  [[nodiscard]] setter nested() const {
    return {"template <class Fill_>\n", in_.name, "Fill_&& fill",
            "fields_.template nested<" + cpp_name(schema_, schema_.messages[in_.value.index]) +
                ", " + nested_builder(schema_, in_.value) + ">(" + number(placed_.slot) +
                ", fill);",
            "`fill` is called with the builder of the message inside."};
  }

  [[nodiscard]] std::vector<setter> list() const {
    const std::string slot = number(placed_.slot);
    const std::string plain = cpp_type(schema_, in_.value);
    if (in_.value.kind == type_kind::message)
      return {{"template <::std::ranges::sized_range Range_, class Fill_>\n", in_.name,
               "Range_&& from, Fill_&& fill",
               set_bit() + "fields_.template list<" +
                   cpp_name(schema_, schema_.messages[in_.value.index]) + ", " +
                   nested_builder(schema_, in_.value) + ">(" + slot + ", from, fill);",
               "`fill` is called for each element of `from` with a builder and the element."}};
    const std::string call = set_bit() + "fields_.template " +
                             (has_slot(in_.value) ? "texts<" : "scalars<") + plain + ">(" + slot +
                             ", from);";
    return {{"template <::std::ranges::sized_range Range_>\n", in_.name, "const Range_& from", call,
             ""},
            {"", in_.name, "std::initializer_list<" + plain + "> from", call, ""}};
  }

  [[nodiscard]] setter map() const {
    const type& value = in_.value.parameters[1];
    const std::string types =
        cpp_type(schema_, in_.value.parameters[0]) + ", " + cpp_type(schema_, value);
    const std::string slot = number(placed_.slot);
    if (value.kind != type_kind::message)
      return {"template <::std::ranges::sized_range Range_>\n", in_.name, "const Range_& from",
              set_bit() + "fields_.template map<" + types + ">(" + slot + ", from);",
              "`from` holds pairs whose keys ascend, as std::map does."};
    return {"template <::std::ranges::sized_range Range_, class Fill_>\n", in_.name,
            "const Range_& from, Fill_&& fill",
            set_bit() + "fields_.template map<" + types + ", " + nested_builder(schema_, value) +
                ">(" + slot + ", from, fill);",
            "`from` holds pairs whose keys ascend; `fill` is called with a builder and the pair."};
  }

  [[nodiscard]] std::vector<setter> choice() const {
    std::vector<setter> made;
    for (const field& one : in_.alternatives) {
      const std::string name = in_.name + "_" + one.name;
      const std::string where =
          "(" + number(placed_.slot) + ", std::uint16_t{" + number(one.tag) + "}, ";
      if (one.value.kind == type_kind::message) {
        made.push_back({"template <class Fill_>\n", name, "Fill_&& fill",
                        "fields_.template choice<" +
                            cpp_name(schema_, schema_.messages[one.value.index]) + ", " +
                            nested_builder(schema_, one.value) + ">" + where + "fill);",
                        "`fill` is called with the builder of the message inside.", &one});
      } else {
        const std::string plain = cpp_type(schema_, one.value);
        made.push_back({"", name, plain + " value",
                        "fields_.template choice<" + plain + ">" + where + "value);", "", &one});
      }
    }
    return made;
  }

  const model& schema_;
  const field& in_;
  const placement& placed_;
};

std::string text_of(const std::string& builder, const field& in, const setter& one) {
  std::string text = cpp_comment(in, "  ");
  if (!one.note.empty()) text += "  /// " + one.note + "\n";
  if (!one.head.empty()) text += "  " + one.head;
  text += "  " + cpp_deprecated(marked(one.alternative, in)) + "[[gnu::always_inline]] " + builder +
          "& " + one.name + "(" + one.parameters + ") noexcept {\n    ";
  for (const char each : one.body) {
    text += each;
    if (each == '\n') text += "    ";
  }
  return text + "\n    return *this;\n  }\n";
}

std::string finish_of(const message& of) {
  const std::string end = "::myra::codec::end_message<" + of.name + ", W_>(fields_)";
  return "\n  /// The bytes of the message, borrowed from the memory that it was built in; or the "
         "first thing\n  /// that went wrong.\n"
         "  [[nodiscard]] std::expected<::myra::byte_view, ::myra::codec_error> finish() noexcept\n"
         "    requires(Role_ == ::myra::codec::role::root)\n  {\n    return " +
         end +
         ";\n  }\n"
         "  /// The owner of the memory that it was built in, resized to the message.\n"
         "  template <class Buffer_>\n"
         "    requires(Role_ == ::myra::codec::role::root && "
         "!std::is_lvalue_reference_v<Buffer_>)\n"
         "  [[nodiscard]] ::myra::result<Buffer_> finish(Buffer_&& owner) noexcept {\n"
         "    return ::myra::codec::cut(std::move(owner), finish());\n  }\n";
}

bool takes_space(const field& in) { return has_slot(in); }

bool is_counted_with_heap(const field& in) {
  if (in.value.kind == type_kind::map && !is_repeated(in.given)) return true;
  return is_repeated(in.given) && has_slot(in.value);
}

std::string extent_note(const model& schema, const field& in) {
  (void)schema;
  if (is_counted_with_heap(in)) return "Its elements, and the bytes of what varies in them.";
  if (is_repeated(in.given)) return "How many elements.";
  if (in.value.kind == type_kind::message) return "Bytes: its nested_size_bytes; 0: absent.";
  if (in.value.kind == type_kind::oneof) return "Bytes of the value; 0: none.";
  return "Bytes.";
}

std::string size_term(const model& schema, const field& in) {
  std::string of = "of." + in.name;
  if (in.value.kind == type_kind::map && !is_repeated(in.given))
    return "::myra::codec::map_size_bytes<::myra::codec::entry_shape<" +
           cpp_type(schema, in.value.parameters[0]) + ", " +
           cpp_type(schema, in.value.parameters[1]) + ">>(" + of + ", chosen)";
  if (is_repeated(in.given)) {
    const std::string shape =
        in.value.kind == type_kind::message
            ? cpp_name(schema, schema.messages[in.value.index])
            : "::myra::codec::element_shape<" + cpp_type(schema, in.value) + ">";
    const std::string extent = is_counted_with_heap(in) ? of : "{" + of + ", 0}";
    return "::myra::codec::list_size_bytes<" + shape + ">(" + extent + ", chosen)";
  }
  if (in.value.kind == type_kind::oneof) return "::myra::codec::choice_size_bytes(" + of + ")";
  return of;
}

}  // namespace

std::string generate_builder(const model& schema, const message& of, const message_layout& at) {
  const std::string name = "basic_" + of.name + "_builder";
  std::string text =
      "/// Writes a " + of.name +
      " into memory that is given. Fields of varying size are written in the order in\n"
      "/// which they stand here. Lives where it was made.\n"
      "template <::myra::codec::width W_, ::myra::codec::role Role_>\nclass " +
      name + " {\n public:\n  [[gnu::always_inline]] explicit " + name +
      "(const ::myra::codec::message_writer<W_>& fields) noexcept : fields_(fields) {}\n  " + name +
      "(const " + name + "&) = delete;\n  " + name + "& operator=(const " + name +
      "&) = delete;\n\n";
  for (const std::size_t i : writing_order(at)) {
    for (const setter& one : setters(schema, of.fields[i], at.fields[i]).make())
      text += text_of(name, of.fields[i], one);
  }
  return text + finish_of(of) +
         "\n private:\n  friend class ::myra::codec::message_writer<W_>;\n"
         "  ::myra::codec::message_writer<W_> fields_;\n};\n\n";
}

std::string generate_extent(const model& schema, const message& of) {
  std::string text =
      "/// What varies in the size of a " + of.name + ".\nstruct " + of.name + "_extent {\n";
  for (const field& in : of.fields) {
    if (!takes_space(in)) continue;
    text += "  /// " + extent_note(schema, in) + "\n";
    text += is_counted_with_heap(in) ? "  ::myra::codec::list_extent " + in.name + "{};\n"
                                     : "  std::size_t " + in.name + " = 0;\n";
  }
  return text + "};\n\n";
}

std::string generate_size(const model& schema, const message& of) {
  std::string sum;
  for (const field& in : of.fields) {
    if (takes_space(in)) sum += (sum.empty() ? "" : " +\n        ") + size_term(schema, in);
  }
  const std::string parameter = sum.empty() ? "" : " of";
  return "constexpr std::size_t " + of.name + "::nested_size_bytes(const " + of.name + "_extent&" +
         parameter + ", ::myra::codec::width chosen) noexcept {\n" +
         "  return ::myra::codec::nested_size_bytes<" + cpp_name(schema, of) + ">(\n        " +
         (sum.empty() ? "0" : sum) + ", chosen);\n}\n\n";
}

}  // namespace myra::schema
