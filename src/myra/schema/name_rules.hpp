// Which names a schema may give: those that generated C++ can have as well.
#pragma once

#include <string>
#include <string_view>

namespace myra::schema {

inline constexpr std::size_t name_size_max = 128;

/// Why `name` cannot be the name of a message, field, enum, value or part of a namespace, and what
/// would be right, both for diagnostics::error; `what` is empty when it can.
struct name_verdict {
  std::string what;
  std::string right;
};

/// A name as such, whether C++ can have it or not: a former name may be one that it cannot.
/// `thing`: what has the name, such as "field".
[[nodiscard]] name_verdict judge_word(std::string_view name, std::string_view thing);

/// One that generated code is to have.
[[nodiscard]] name_verdict judge_name(std::string_view name, std::string_view thing);

/// The same for a part of a namespace.
[[nodiscard]] name_verdict judge_namespace_part(std::string_view name);

/// The same for its first part, which meets what has no namespace.
[[nodiscard]] name_verdict judge_outer_namespace(std::string_view name);

}  // namespace myra::schema
