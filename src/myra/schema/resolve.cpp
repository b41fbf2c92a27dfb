#include "myra/schema/resolve.hpp"

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "myra/schema/generated_names.hpp"
#include "myra/schema/literal.hpp"
#include "myra/schema/name_scope.hpp"
#include "myra/schema/parse.hpp"
#include "myra/schema/recursion.hpp"
#include "myra/schema/resolve_field.hpp"
#include "myra/schema/type_syntax.hpp"

namespace myra::schema {
namespace {

/// Aliases are names that nothing else has, in one file and of one sort.
template <class Declared>
void check_aliases(const std::vector<Declared>& all, diagnostics& errors) {
  std::unordered_map<std::string, position> taken;
  for (const Declared& each : all) taken.try_emplace(each.made.name, each.made.at);
  for (const Declared& each : all) {
    for (const std::string& alias : each.made.aliases) {
      const auto [found, is_new] = taken.try_emplace(alias, each.made.at);
      if (!is_new)
        errors.error(each.made.at, "the alias " + in_quotes(alias) + " is taken",
                     "line " + std::to_string(found->second.line) + " has that name");
    }
  }
}

template <class Declared>
void check_ids(const std::vector<Declared>& all, diagnostics& errors) {
  std::map<std::uint32_t, std::string> taken;
  for (const Declared& each : all) {
    if (!each.id) continue;
    const auto [found, is_new] = taken.try_emplace(*each.id, each.made.name);
    if (!is_new)
      errors.error(each.made.at,
                   in_quotes(each.made.name) + " has id " + std::to_string(*each.id) +
                       ", that of " + in_quotes(found->second),
                   "the next free one is " + std::to_string(taken.rbegin()->first + 1));
  }
}

class resolver {
 public:
  resolver(std::vector<declared_file> files, diagnostics& errors)
      : files_(std::move(files)), errors_(errors) {}

  model resolve() {
    for (declared_file& file : files_) schema_.files.push_back(std::move(file.made));
    for (std::uint32_t i = 0; i < files_.size(); ++i) declare(i);
    if (schema_.messages.size() > message_count_max) {
      errors_.error({0, 0, 0}, std::to_string(schema_.messages.size()) + " messages and groups",
                    "at most " + std::to_string(message_count_max) + " in one run");
      return std::move(schema_);
    }
    const name_scope names(schema_, errors_);
    for (pending& each : pending_) {
      if (errors_.full()) break;
      message& target = schema_.messages[each.message];
      target.fields =
          resolve_fields(schema_, names, target.file, each.fields, field_place::message, errors_);
    }
    if (errors_.empty()) {
      refuse_endless_messages(schema_, errors_);
      refuse_generated_clashes(schema_, errors_);
    }
    return std::move(schema_);
  }

 private:
  /// Fields whose types wait until all names are known.
  struct pending {
    std::uint32_t message;
    std::vector<declared_field> fields;
  };

  void declare(std::uint32_t file) {
    declared_file& declared = files_[file];
    check_aliases(declared.messages, errors_);
    check_aliases(declared.enums, errors_);
    check_ids(declared.messages, errors_);
    check_ids(declared.enums, errors_);
    for (declared_message& each : declared.messages) {
      each.made.id = each.id.value_or(0);
      declare_message(file, std::move(each.made), each.fields);
    }
    for (declared_enum& each : declared.enums) declare_enum(file, each);
  }

  std::uint32_t declare_message(std::uint32_t file, message made,
                                std::vector<declared_field>& fields) {
    const auto index = static_cast<std::uint32_t>(schema_.messages.size());
    made.file = file;
    schema_.messages.push_back(std::move(made));
    for (declared_field& each : fields)
      if (each.type.text == "group") declare_group(file, index, each);
    schema_.files[file].messages.push_back(index);
    pending_.push_back({index, std::move(fields)});
    return index;
  }

  void declare_group(std::uint32_t file, std::uint32_t parent, declared_field& declared) {
    message made;
    made.name = schema_.messages[parent].name + '_' + declared.made.name;
    made.doc = declared.made.doc;
    made.at = declared.made.at;
    made.is_group = true;
    made.parent = parent;
    if (declared.fields.empty())
      errors_.error(declared.type.at, "a group has no fields", "list them under 'fields:'");
    const std::uint32_t index = declare_message(file, std::move(made), declared.fields);
    declared.fields.clear();
    declared.made.value = {type_kind::message, index, 0, {}};
  }

  void declare_enum(std::uint32_t file, declared_enum& declared) {
    const auto index = static_cast<std::uint32_t>(schema_.enums.size());
    enumeration made = std::move(declared.made);
    made.id = declared.id.value_or(0);
    const auto kind = kind_of(declared.underlying.text);
    const bool is_integer = kind && *kind >= type_kind::int8 && *kind <= type_kind::uint64;
    if (is_integer)
      made.underlying = *kind;
    else if (!declared.underlying.text.empty())
      errors_.error(declared.underlying.at,
                    "an enum of type " + in_quotes(declared.underlying.text),
                    "int8 to int64 or uint8 to uint64");
    check_aliases(declared.values, errors_);
    for (declared_value& each : declared.values) add_value(made, each);
    if (made.values.empty())
      errors_.error(made.at, "enum " + in_quotes(made.name) + " has no values",
                    "list them under 'values:'");
    check_numbers(made);
    schema_.files[file].enums.push_back(index);
    schema_.enums.push_back(std::move(made));
  }

  void add_value(enumeration& target, declared_value& declared) {
    enum_value made = std::move(declared.made);
    if (!declared.number.text.empty()) {
      const auto number = parse_literal(target.underlying, declared.number.text);
      if (!number)
        errors_.error(declared.number.at, "id " + in_quotes(declared.number.text),
                      "write " + number.error());
      else if (const auto* value = std::get_if<std::int64_t>(&*number))
        made.number = static_cast<std::uint64_t>(*value);
      else
        made.number = std::get<std::uint64_t>(*number);
    }
    target.values.push_back(std::move(made));
  }

  void check_numbers(const enumeration& checked) {
    std::unordered_map<std::string, position> names;
    std::unordered_map<std::uint64_t, std::string> numbers;
    for (const enum_value& each : checked.values) {
      const auto [name, is_new_name] = names.try_emplace(each.name, each.at);
      if (!is_new_name && !each.name.empty())
        errors_.error(each.at, "the name " + in_quotes(each.name) + " is taken",
                      "line " + std::to_string(name->second.line) + " has it; choose another name");
      const auto [number, is_new_number] = numbers.try_emplace(each.number, each.name);
      if (!is_new_number && is_new_name)
        errors_.error(each.at, in_quotes(each.name) + " has the id of " + in_quotes(number->second),
                      "give it one of its own");
    }
  }

  std::vector<declared_file> files_;
  diagnostics& errors_;
  model schema_;
  std::vector<pending> pending_;
};

}  // namespace

model resolve(std::vector<declared_file> files, diagnostics& errors) {
  return resolver(std::move(files), errors).resolve();
}

}  // namespace myra::schema
