#include "myra/schema/generated_names.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace myra::schema {
namespace {

/// Names of one C++ scope, and who has each.
class taken_names {
 public:
  explicit taken_names(diagnostics& errors) : errors_(errors) {}

  /// `owner`: what the name is made for.
  void take(const std::string& name, const declaration& owner) {
    const auto [found, is_new] = owners_.try_emplace(name, &owner);
    if (is_new || found->second == &owner) return;
    errors_.error(owner.at,
                  "generated code needs the name " + in_quotes(name) + " for " +
                      in_quotes(owner.name) + " and for " + in_quotes(found->second->name),
                  "rename one of them; an alias keeps its identity");
  }
  /// What generated code has in any case.
  void reserve(const std::string& name, const declaration& owner) {
    owners_.try_emplace(name, &owner);
  }

 private:
  diagnostics& errors_;
  std::unordered_map<std::string, const declaration*> owners_;
};

/// A namespace and those that it lies in are names of the one around them.
void reserve_namespaces(const model& schema, taken_names& taken, const declaration& owner) {
  for (const schema_file& each : schema.files) {
    std::string text;
    for (const std::string& part : each.name_space) {
      text += (text.empty() ? "" : ".") + part;
      taken.reserve(text, owner);
    }
  }
}

std::string scope_of(const model& schema, std::uint32_t file) {
  std::string text;
  for (const std::string& part : schema.files[file].name_space) text += part + '.';
  return text;
}

void check_types(const model& schema, diagnostics& errors) {
  declaration function;
  function.name = "the names of enum values";
  declaration name_space;
  name_space.name = "a namespace";
  taken_names taken(errors);
  reserve_namespaces(schema, taken, name_space);
  for (const enumeration& each : schema.enums)
    taken.reserve(scope_of(schema, each.file) + "name_of", function);
  for (const message& each : schema.messages) {
    const std::string scope = scope_of(schema, each.file);
    for (const char* ending : {"", "_view", "_builder", "_extent"})
      taken.take(scope + each.name + ending, each);
    taken.take(scope + "basic_" + each.name + "_builder", each);
  }
  for (const enumeration& each : schema.enums)
    taken.take(scope_of(schema, each.file) + each.name, each);
}

/// A class cannot have a member of its own name.
void check_own_members(const message& of, diagnostics& errors) {
  constexpr std::string_view members[] = {"view",
                                          "verify",
                                          "build",
                                          "build_large",
                                          "size_bytes",
                                          "nested_size_bytes",
                                          "slot_count_known",
                                          "slot_count_base",
                                          "is_exact",
                                          "scalar_size_known",
                                          "scalar_size_base",
                                          "has_checked_fields",
                                          "depth",
                                          "defaults",
                                          "fields"};
  const bool has_choice = std::ranges::any_of(of.fields, [&of](const field& each) {
    return each.value.kind == type_kind::oneof && each.name + "_choice" == of.name;
  });
  if (!has_choice && std::ranges::find(members, of.name) == std::end(members)) return;
  errors.error(of.at,
               "generated code needs the name " + in_quotes(of.name) + " within this message",
               "rename it, for example to " + of.name + "_message; an alias keeps its identity");
}

void check_members(const message& of, diagnostics& errors) {
  declaration generated;
  generated.name = "the code itself";
  taken_names taken(errors);
  for (const std::string& name : {std::string("finish"), of.name, of.name + "_view",
                                  "basic_" + of.name + "_builder", of.name + "_extent"})
    taken.reserve(name, generated);
  for (const field& each : of.fields) {
    taken.take(each.name, each);
    if (is_optional(each.given) && !std::holds_alternative<std::monostate>(each.default_value))
      taken.take("has_" + each.name, each);
    if (each.value.kind != type_kind::oneof) continue;
    taken.take(each.name + "_which", each);
    taken.take(each.name + "_kind", each);
    taken_names kinds(errors);
    kinds.reserve("none", generated);
    for (const field& one : each.alternatives) {
      taken.take(each.name + '_' + one.name, one);
      kinds.take(one.name, one);
    }
  }
}

}  // namespace

void refuse_generated_clashes(const model& schema, diagnostics& errors) {
  check_types(schema, errors);
  for (const message& each : schema.messages) {
    check_own_members(each, errors);
    check_members(each, errors);
  }
}

}  // namespace myra::schema
