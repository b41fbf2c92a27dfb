#include "myra/schema/resolve_field.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "myra/schema/literal.hpp"
#include "myra/schema/parse.hpp"
#include "myra/schema/type_syntax.hpp"
#include "myra/schema/utf8.hpp"

namespace myra::schema {
namespace {

class field_resolver {
 public:
  field_resolver(const model& schema, const name_scope& names, std::uint32_t file,
                 declared_field& declared, field_place place, diagnostics& errors)
      : schema_(schema),
        names_(names),
        file_(file),
        declared_(declared),
        place_(place),
        errors_(errors) {}

  field resolve() {
    field made = std::move(declared_.made);
    made.tag = declared_.tag.value_or(0);
    if (declared_.type.text == "group" && place_ == field_place::oneof) {
      refuse("a group is a list, and an alternative is not", "make a message of it");
    } else if (declared_.type.text != "group") {
      resolve_type(made.value);
    }
    if (made.value.kind == type_kind::oneof)
      made.alternatives =
          resolve_fields(schema_, names_, file_, declared_.fields, field_place::oneof, errors_);
    check_fields(made);
    made.given = presence_of(made);
    check_capacity(made);
    check_place(made);
    if (declared_.default_text) resolve_default(*declared_.default_text, made);
    return made;
  }

 private:
  void refuse(std::string what, std::string right) {
    errors_.error(declared_.type.at, std::move(what), std::move(right));
  }

  void resolve_type(type& made) {
    if (declared_.type.text.empty()) return;  // Told already.
    const auto written = parse_type(declared_.type.text);
    if (!written) {
      const std::string& why = written.error();
      const std::size_t end = why.find("; ");
      refuse(why.substr(0, end), end == std::string::npos ? "" : why.substr(end + 2));
      return;
    }
    made = look_up(*written);
    if (made.kind == type_kind::map) resolve_map(*written, made);
    if (const auto& count = written->array_count) resolve_array(*count, made);
  }

  type look_up(const written_type& written) {
    type made;
    if (const auto kind = kind_of(written.name); kind && written.name != "group") {
      made.kind = *kind;
    } else if (const auto found = names_.find(file_, written.name); found) {
      made.kind = found->kind;
      made.index = found->index;
    } else {
      refuse(found.error().what, found.error().right);
    }
    if (!written.parameters.empty() && made.kind != type_kind::map)
      refuse(in_quotes(written.name) + " takes no parameters", "only map<KEY, VALUE> does");
    return made;
  }

  void resolve_map(const written_type& written, type& made) {
    if (written.parameters.size() != 2) {
      refuse("a map needs a key and a value", "write map<KEY, VALUE>");
      made = {};
      return;
    }
    for (const written_type& each : written.parameters) {
      made.parameters.push_back(look_up(each));
      if (each.array_count) resolve_array(*each.array_count, made.parameters.back());
    }
    const type& key = made.parameters[0];
    const bool orders = has_fixed_size(key.kind) || key.kind == type_kind::string;
    const bool is_float = key.kind == type_kind::float32 || key.kind == type_kind::float64;
    if (!orders || is_float || key.kind == type_kind::decimal || key.array_count != 0)
      refuse("a map's key cannot be " + written.parameters[0].name,
             "use an integer, bool, enum, uuid, timestamp, duration or string");
    const type_kind value = made.parameters[1].kind;
    if (value == type_kind::oneof || value == type_kind::map)
      refuse("a map's value cannot be " + written.parameters[1].name, "wrap it in a message");
  }

  void resolve_array(std::uint64_t count, type& made) {
    if (!has_fixed_size(made.kind)) {
      refuse("an array holds values of a fixed size, and " + std::string(kind_name(made.kind)) +
                 " is not one",
             made.kind == type_kind::string || made.kind == type_kind::bytes
                 ? "for a text of a fixed size give fixed_capacity; for a list 'repeated: true'"
                 : "for a list write 'repeated: true'");
    } else if (count < 1 || count > array_count_max) {
      refuse("an array of " + std::to_string(count),
             "from 1 to " + std::to_string(array_count_max));
    } else {
      made.array_count = static_cast<std::uint32_t>(count);
    }
  }

  void check_fields(const field& made) {
    const bool may = made.value.kind == type_kind::oneof || declared_.type.text == "group";
    if (declared_.has_fields && !may)
      refuse("a field of type " + in_quotes(declared_.type.text) + " has no fields of its own",
             "only a group and a oneof do");
    if (made.value.kind == type_kind::oneof && made.alternatives.empty())
      refuse("a oneof has no alternatives", "list them under 'fields:'");
  }

  presence presence_of(const field& made) {
    const bool is_list = declared_.is_repeated || declared_.type.text == "group";
    if (is_list && made.value.kind == type_kind::map)
      refuse("a map cannot be repeated", "wrap it in a message");
    if (is_list && made.value.kind == type_kind::oneof)
      refuse("a oneof cannot be repeated", "wrap it in a message");
    if (declared_.is_optional && made.value.kind == type_kind::oneof)
      refuse("a oneof is optional as it is", "leave 'optional' out");
    if (is_list) return declared_.is_optional ? presence::optional_repeated : presence::repeated;
    return declared_.is_optional ? presence::optional : presence::required;
  }

  void check_capacity(const field& made) {
    if (!declared_.capacity_at) return;
    const bool is_text =
        made.value.kind == type_kind::string || made.value.kind == type_kind::bytes;
    if (!is_text || is_repeated(made.given) || place_ == field_place::oneof)
      errors_.error(*declared_.capacity_at, "fixed_capacity is for one string or bytes",
                    "leave it out");
  }

  void check_place(const field& made) {
    if (place_ == field_place::message) return;
    if (made.given != presence::required)
      refuse("an alternative of a oneof is neither optional nor repeated",
             "wrap a list in a message");
    if (made.value.kind == type_kind::oneof)
      refuse("a oneof within a oneof", "wrap it in a message");
    if (made.value.kind == type_kind::map) refuse("a map within a oneof", "wrap it in a message");
    if (declared_.tag && *declared_.tag > alternative_tag_max)
      errors_.error(declared_.tag_at,
                    "tag " + std::to_string(*declared_.tag) + " of an alternative",
                    "from 1 to " + std::to_string(alternative_tag_max));
  }

  void resolve_default(const written_text& written, field& made) {
    const bool may = made.value.kind <= type_kind::bytes && made.value.array_count == 0 &&
                     !is_repeated(made.given) && place_ == field_place::message;
    if (!may) {
      errors_.error(written.at, "this field cannot have a default",
                    "one value of a scalar, enum, string or bytes can");
      return;
    }
    if (made.value.kind == type_kind::enumeration) return resolve_enum_default(made, written);
    auto value = parse_literal(made.value.kind, written.text);
    if (!value) {
      errors_.error(written.at,
                    "default " + in_quotes(written.text) + " is not " +
                        std::string(kind_name(made.value.kind)),
                    "write " + value.error());
      return;
    }
    check_text_default(made, written, *value);
    made.default_value = std::move(*value);
  }

  void check_text_default(const field& made, const written_text& written, const literal& value) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return;
    if (made.value.kind == type_kind::string && !is_utf8(*text))
      errors_.error(written.at, "the default is not UTF-8", "write the file in UTF-8");
    if (made.fixed_capacity != 0 && text->size() > made.fixed_capacity)
      errors_.error(written.at, "the default has " + std::to_string(text->size()) + " bytes",
                    "fixed_capacity allows " + std::to_string(made.fixed_capacity));
  }

  void resolve_enum_default(field& made, const written_text& written) {
    const enumeration& of = schema_.enums[made.value.index];
    const auto found = std::ranges::find(of.values, written.text, &enum_value::name);
    if (found == of.values.end()) {
      std::vector<std::string> known;
      for (const enum_value& each : of.values) known.push_back(each.name);
      errors_.error(written.at, "enum " + of.name + " has no value " + in_quotes(written.text),
                    suggestion(written.text, known, "its values are " + enumerated(known)));
    } else if (range_of(of.underlying).least < 0) {
      made.default_value = static_cast<std::int64_t>(found->number);
    } else {
      made.default_value = found->number;
    }
  }

  const model& schema_;
  const name_scope& names_;
  std::uint32_t file_;
  declared_field& declared_;
  field_place place_;
  diagnostics& errors_;
};

void check_names_and_tags(const std::vector<declared_field>& fields, diagnostics& errors) {
  std::unordered_map<std::string, position> names;
  std::map<std::uint32_t, std::string> tags;
  const auto take = [&](const std::string& name, position at) {
    if (name.empty()) return;
    const auto [found, is_new] = names.try_emplace(name, at);
    if (!is_new)
      errors.error(at, "the name " + in_quotes(name) + " is taken",
                   "line " + std::to_string(found->second.line) + " has it; choose another name");
  };
  for (const declared_field& each : fields) take(each.made.name, each.made.at);
  for (const declared_field& each : fields) {
    for (const std::string& alias : each.made.aliases) take(alias, each.made.at);
    if (!each.tag) continue;
    const auto [found, is_new] = tags.try_emplace(*each.tag, each.made.name);
    if (!is_new)
      errors.error(each.tag_at,
                   "tag " + std::to_string(*each.tag) + " is that of " + in_quotes(found->second),
                   "the next free one is " + std::to_string(tags.rbegin()->first + 1));
  }
}

}  // namespace

field resolve_field(const model& schema, const name_scope& names, std::uint32_t file,
                    declared_field& declared, field_place place, diagnostics& errors) {
  return field_resolver(schema, names, file, declared, place, errors).resolve();
}

std::vector<field> resolve_fields(const model& schema, const name_scope& names, std::uint32_t file,
                                  std::vector<declared_field>& declared, field_place place,
                                  diagnostics& errors) {
  check_names_and_tags(declared, errors);
  std::vector<field> made;
  made.reserve(declared.size());
  for (declared_field& each : declared) {
    if (errors.full()) break;
    made.push_back(resolve_field(schema, names, file, each, place, errors));
  }
  return made;
}

}  // namespace myra::schema
