#include "myra/schema/generate.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <variant>
#include <vector>

#include "myra/schema/generate_builder.hpp"
#include "myra/schema/generate_copy.hpp"
#include "myra/schema/generate_types.hpp"
#include "myra/schema/generate_view.hpp"

namespace myra::schema {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string enum_number(const enumeration& of, std::uint64_t value) {
  if (of.underlying >= type_kind::uint8 && of.underlying <= type_kind::uint64)
    return number(value) + "u";
  const auto signed_value = static_cast<std::int64_t>(value);
  return signed_value == INT64_MIN ? "INT64_MIN" : std::to_string(signed_value);
}

std::string generate_enum(const model& schema, const enumeration& of) {
  std::string text = cpp_comment(of, "") + "enum class " + cpp_deprecated(of) + of.name + " : " +
                     cpp_type(schema, {of.underlying, 0, 0, {}}) + " {\n";
  std::string names;
  for (const enum_value& one : of.values) {
    const std::string mark = one.deprecated ? " " + cpp_deprecated(one) : " ";
    text += cpp_comment(one, "  ") + "  " + one.name + mark + "= " + enum_number(of, one.number) +
            ",\n";
    names += "    case " + cpp_name(schema, of) + "{" + enum_number(of, one.number) +
             "}: return \"" + one.name + "\";\n";
  }
  return text +
         "};\n\n/// The name of a value; empty for one that this version does not know, which a "
         "reader keeps.\n[[nodiscard]] constexpr std::string_view name_of(" +
         of.name + " value) noexcept {\n  switch (value) {\n" + names +
         "    default: return {};\n  }\n}\n\n";
}

/// The bytes of the scalars of a message in which nothing was set.
class default_scalars {
 public:
  default_scalars(const model& schema, std::uint32_t size) : schema_(schema), bytes_(size) {}

  void add(const field& in, const placement& placed) {
    if (!has_default(in) || is_optional(in.given) || placed.slot != placement::none) return;
    if (const auto* flag = std::get_if<bool>(&in.default_value)) {
      if (*flag)
        bytes_[placed.value_bit / 8] |= static_cast<std::uint8_t>(1u << placed.value_bit % 8);
      return;
    }
    std::uint8_t* at = bytes_.data() + placed.offset_bytes;
    if (const auto* text = std::get_if<std::string>(&in.default_value)) {
      const std::uint32_t prefix = capacity_prefix_bytes(in.fixed_capacity);
      put(at, text->size(), prefix);
      std::ranges::copy(*text, at + prefix);
    } else if (const auto* id = std::get_if<uuid_literal>(&in.default_value)) {
      std::memcpy(at, id->data(), id->size());
    } else if (const auto* fraction = std::get_if<decimal_literal>(&in.default_value)) {
      put(at, static_cast<std::uint64_t>(fraction->mantissa), 8);
      put(at + 8, static_cast<std::uint8_t>(fraction->exponent), 1);
    } else {
      put(at, bits_of(in), value_size_bytes(schema_, in.value));
    }
  }

  [[nodiscard]] std::string text() const {
    std::string list;
    bool is_zero = true;
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      is_zero &= bytes_[i] == 0;
      list += (i == 0       ? ""
               : i % 8 == 0 ? ",\n      "
                            : ", ") +
              std::string("std::byte{") + number(bytes_[i]) + "}";
    }
    const std::string type = "std::array<std::byte, " + number(bytes_.size()) + ">";
    return "  static constexpr " + type + " defaults{" + (is_zero ? "" : list) + "};\n";
  }

 private:
  static void put(std::uint8_t* at, std::uint64_t value, std::uint32_t size) {
    for (std::uint32_t i = 0; i < size; ++i) at[i] = static_cast<std::uint8_t>(value >> 8 * i);
  }

  static std::uint64_t bits_of(const field& in) {
    if (const auto* real = std::get_if<double>(&in.default_value)) {
      std::uint64_t bits = 0;
      const auto single = static_cast<float>(*real);
      if (in.value.kind == type_kind::float32) {
        std::uint32_t half = 0;
        std::memcpy(&half, &single, sizeof half);
        return half;
      }
      std::memcpy(&bits, real, sizeof bits);
      return bits;
    }
    if (const auto* whole = std::get_if<std::int64_t>(&in.default_value))
      return static_cast<std::uint64_t>(*whole);
    return std::get<std::uint64_t>(in.default_value);
  }

  const model& schema_;
  std::vector<std::uint8_t> bytes_;
};

/// The call that looks into one field, or nothing.
std::string check_of(const model& schema, const field& in, const placement& placed) {
  const std::string slot = "(in, " + number(placed.slot) + ")";
  if (in.fixed_capacity > 0)
    return "check.held(in, " + number(placed.offset_bytes) + ", " + number(in.fixed_capacity) + ")";
  if (is_repeated(in.given)) {
    if (in.value.kind == type_kind::message)
      return "check.template list<" + cpp_name(schema, schema.messages[in.value.index]) + ">" +
             slot;
    return "check.template list<::myra::codec::element_shape<" + cpp_type(schema, in.value) + ">>" +
           slot;
  }
  switch (in.value.kind) {
    case type_kind::message:
      return "check.template nested<" + cpp_name(schema, schema.messages[in.value.index]) + ">" +
             slot;
    case type_kind::map:
      return "check.template map<::myra::codec::entry_shape<" +
             cpp_type(schema, in.value.parameters[0]) + ", " +
             cpp_type(schema, in.value.parameters[1]) + ">>" + slot;
    case type_kind::oneof: return "check.template choice<" + in.name + "_choice>" + slot;
    default: return {};
  }
}

/// How many checks a message and all inside of it make, up to a bound. Each level takes one of
/// `left`, which so bounds the recursion as well.
std::uint32_t check_count(const model& schema, const message& of, std::uint32_t left) {
  std::uint32_t count = 0;
  for (const field& in : of.fields) {
    if (count >= left) break;
    if (has_slot(in) && !is_text(in)) ++count;
    if (in.value.kind == type_kind::message)
      count += check_count(schema, schema.messages[in.value.index], left - std::min(count, left));
  }
  return count;
}

/// Small trees are checked in one piece of code.
bool is_small(const model& schema, const message& of, const message_layout& at) {
  constexpr std::uint32_t small = 24;
  return at.depth != 0 && check_count(schema, of, small) < small;
}

std::string fields_of(const model& schema, const message& of, const message_layout& at) {
  std::string calls;
  for (std::size_t i = 0; i < of.fields.size(); ++i) {
    const std::string call = check_of(schema, of.fields[i], at.fields[i].placed);
    if (!call.empty()) calls += (calls.empty() ? "" : " &&\n           ") + call;
  }
  const std::string names = calls.empty() ? "(Check_&&, const ::myra::codec::block&)"
                                          : "(Check_&& check, const ::myra::codec::block& in)";
  const std::string inlined = is_small(schema, of, at) ? "[[gnu::always_inline]] " : "";
  return "  /// For verify: looks into what the ends alone do not cover.\n"
         "  template <class Check_>\n  " +
         inlined + "static bool fields" + names + " noexcept {\n    return " +
         (calls.empty() ? "true" : calls) + ";\n  }\n";
}

std::string choice_of(const model& schema, const field& in) {
  std::string cases;
  for (const field& one : in.alternatives) {
    std::string check = "true";
    if (one.value.kind == type_kind::message)
      check = "check.template alternative<" + cpp_name(schema, schema.messages[one.value.index]) +
              ">(value)";
    if (has_fixed_size(one.value.kind))
      check = "check.fits(value, " + number(value_size_bytes(schema, one.value)) + ")";
    cases += "        case " + number(one.tag) + ": return " + check + ";\n";
  }
  return "  struct " + in.name +
         "_choice {\n    template <class Check_>\n    static bool alternative([[maybe_unused]] "
         "Check_&& check, std::uint16_t tag,\n                            [[maybe_unused]] "
         "::myra::byte_view value) noexcept {\n      switch (tag) {\n" +
         cases + "        default: return true;\n      }\n    }\n  };\n";
}

std::string shape_of(const model& schema, const message& of, const message_layout& at) {
  const auto constant = [](const char* type, const char* name, const std::string& value) {
    return std::string("  static constexpr ") + type + " " + name + " = " + value + ";\n";
  };
  default_scalars defaults(schema, at.scalar_size_bytes);
  for (std::size_t i = 0; i < of.fields.size(); ++i)
    defaults.add(of.fields[i], at.fields[i].placed);
  return constant("std::uint8_t", "slot_count_known", number(at.slot_count)) +
         constant("std::uint8_t", "slot_count_base", number(at.base.slot_count)) +
         constant("std::uint16_t", "scalar_size_known", number(at.scalar_size_bytes)) +
         constant("std::uint16_t", "scalar_size_base", number(at.base.scalar_size_bytes)) +
         constant("bool", "is_exact", "false") +
         constant("bool", "has_checked_fields", at.has_checked_fields ? "true" : "false") +
         constant("std::uint32_t", "depth", number(at.depth)) + defaults.text();
}

std::string generate_message(const model& schema, const message& of, const message_layout& at) {
  const std::string& name = of.name;
  std::string text = cpp_comment(of, "") + "struct " + cpp_deprecated(of) + name + " {\n" +
                     "  using view = " + name + "_view;\n\n" +
                     "  /// Checks `message` once; what the view then reads cannot leave it. "
                     "Borrows the bytes.\n"
                     "  template <class = void>\n  [[nodiscard]] static std::expected<" +
                     name +
                     "_view, ::myra::codec_failure> verify(\n"
                     "      ::myra::byte_view message, const ::myra::codec::limits& bounds = "
                     "::myra::codec::default_limits) "
                     "noexcept;\n"
                     "  /// Begins a message of up to 65,535 bytes at the start of `target`.\n"
                     "  template <class = void>\n"
                     "  [[nodiscard]] static auto build(::myra::mutable_byte_view target) "
                     "noexcept;\n"
                     "  /// The same for messages of up to 4 GiB: ends take four bytes instead of "
                     "two.\n"
                     "  template <class = void>\n"
                     "  [[nodiscard]] static auto build_large(::myra::mutable_byte_view target) "
                     "noexcept;\n"
                     "  /// How much memory a message takes that holds so much.\n"
                     "  [[nodiscard]] static constexpr std::size_t size_bytes(\n"
                     "      const " +
                     name +
                     "_extent& of,\n"
                     "      ::myra::codec::width chosen = ::myra::codec::width::narrow) noexcept "
                     "{\n    return ::myra::codec::format_size_bytes + nested_size_bytes(of, "
                     "chosen);\n  }\n"
                     "  /// The same inside of another message.\n"
                     "  [[nodiscard]] static constexpr std::size_t nested_size_bytes(\n"
                     "      const " +
                     name +
                     "_extent& of,\n"
                     "      ::myra::codec::width chosen = ::myra::codec::width::narrow) "
                     "noexcept;\n\n"
                     "  // For myra/codec: the shape of the message, see myra/codec/shape.hpp.\n" +
                     shape_of(schema, of, at);
  for (const field& in : of.fields) {
    if (in.value.kind == type_kind::oneof) text += choice_of(schema, in);
  }
  return text + fields_of(schema, of, at) + "};\n\n";
}

/// Templates, so that a header costs a compiler little for messages that are not used. The full
/// name where a parameter may be called like the message.
std::string generate_ends(const model& schema, const message& of) {
  const std::string& name = of.name;
  const std::string full = cpp_name(schema, of);
  const auto build = [&](const char* verb, const char* width) {
    return "template <class>\n[[gnu::always_inline]] inline auto " + name + "::" + verb +
           "(::myra::mutable_byte_view target) noexcept {\n  constexpr auto chosen = "
           "::myra::codec::width::" +
           width + ";\n  return basic_" + name +
           "_builder<chosen, ::myra::codec::role::root>(\n      "
           "::myra::codec::begin_message<" +
           full + ", chosen>(target));\n}\n";
  };
  return "using " + name + "_builder =\n    basic_" + name +
         "_builder<::myra::codec::width::narrow, ::myra::codec::role::root>;\n\n"
         "template <class>\n[[gnu::always_inline]] inline std::expected<" +
         name + "_view, ::myra::codec_failure> " + name +
         "::verify(\n    ::myra::byte_view message, "
         "const ::myra::codec::limits& bounds) noexcept {\n"
         "  return ::myra::codec::verify<" +
         full + ">(message, bounds);\n}\n" + build("build", "narrow") +
         build("build_large", "wide") + "\n";
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "::") + part;
  return text;
}

std::string preamble(const model& schema, const schema_file& of) {
  const std::size_t slash = of.path.find_last_of('/');
  const std::string file = slash == std::string::npos ? of.path : of.path.substr(slash + 1);
  std::string text =
      "// Made by myrac from " + file + ". Do not edit: the next run writes it again.\n" +
      cpp_comment(of.doc) +
      "// NOLINTBEGIN\n#pragma once\n\n#include <array>\n#include <bit>\n#include <cstddef>\n"
      "#include <cstdint>\n#include <expected>\n#include <initializer_list>\n"
      "#include <optional>\n#include <ranges>\n#include <string_view>\n"
      "#include <type_traits>\n#include <utility>\n\n"
      "#include \"myra/codec/codec.hpp\"\n";
  for (const std::uint32_t imported : of.imports)
    text += "#include \"" + schema.files[imported].stem + ".hpp\"\n";
  return text + "\n";
}

}  // namespace

std::string generate_cpp(const model& schema, const layout& placed, std::uint32_t file) {
  const schema_file& of = schema.files[file];
  const std::string name_space = joined(of.name_space);
  std::string text = preamble(schema, of) + "namespace " + name_space + " {\n\n";
  for (const std::uint32_t index : of.enums) text += generate_enum(schema, schema.enums[index]);
  const auto each = [&](auto&& generate) {
    for (const std::uint32_t index : of.messages)
      text += generate(schema.messages[index], placed.messages[index]);
  };
  each([](const message& one, const message_layout&) {
    return "struct " + one.name + ";\nclass " + one.name + "_view;\nstruct " + one.name +
           "_extent;\ntemplate "
           "<::myra::codec::width W_, ::myra::codec::role Role_>\nclass basic_" +
           one.name + "_builder;\n";
  });
  text += "\n";
  each([&](const message& one, const message_layout& at) {
    return generate_message(schema, one, at);
  });
  each(
      [&](const message& one, const message_layout& at) { return generate_view(schema, one, at); });
  each([&](const message& one, const message_layout& at) {
    return generate_view_bodies(schema, one, at) + generate_copy(schema, one, at) + "\n";
  });
  each([&](const message& one, const message_layout& at) {
    return generate_builder(schema, one, at);
  });
  each([&](const message& one, const message_layout&) { return generate_extent(schema, one); });
  each([&](const message& one, const message_layout&) {
    return generate_size(schema, one) + generate_ends(schema, one);
  });
  return text + "}  // namespace " + name_space + "\n// NOLINTEND\n";
}

}  // namespace myra::schema
