// The C++ of types and values, as generated code writes them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "myra/schema/layout.hpp"
#include "myra/schema/model.hpp"

namespace myra::schema {

/// "::trading::side" of an enum or a message, with what is put behind its name.
[[nodiscard]] std::string cpp_name(const model& schema, const enumeration& named);
[[nodiscard]] std::string cpp_name(const model& schema, const message& named,
                                   std::string_view suffix = {});

/// What one value is to a reader: "std::int32_t", "std::string_view", "::trading::trade_view".
/// Arrays are std::array here.
[[nodiscard]] std::string cpp_type(const model& schema, const type& of);

/// What the accessor of a field gives, without std::optional.
[[nodiscard]] std::string cpp_view_type(const model& schema, const field& of);

/// A default value of the type.
[[nodiscard]] std::string cpp_literal(const model& schema, const type& of, const literal& value);

/// What a reader sees in a required field that the bytes do not hold.
[[nodiscard]] std::string cpp_default(const model& schema, const field& of);

[[nodiscard]] bool has_default(const field& of) noexcept;
[[nodiscard]] bool is_lone_bool(const field& of) noexcept;
[[nodiscard]] bool is_text(const field& of) noexcept;

/// For the inside of a view: the bytes of a field with a slot; whether the writer's version had a
/// place for a field; whether one with a presence bit is there.
[[nodiscard]] std::string cpp_region(const field_layout& at);
[[nodiscard]] std::string cpp_has_place(const placement& placed);
[[nodiscard]] std::string cpp_is_present(const field_layout& at);

/// A C++ string literal, of any bytes.
[[nodiscard]] std::string cpp_string(std::string_view bytes);

/// The comment of a declaration, each line behind `indent` and "/// "; empty when it has none.
[[nodiscard]] std::string cpp_comment(const declaration& of, std::string_view indent);

[[nodiscard]] std::string cpp_comment(std::string_view doc);

/// "[[deprecated(\"note\")]] " or nothing.
[[nodiscard]] std::string cpp_deprecated(const declaration& of);

/// Whose mark of deprecation code bears: that of the alternative that it is for, if it has one,
/// else that of the field.
[[nodiscard]] const field& marked(const field* alternative, const field& of) noexcept;

}  // namespace myra::schema
