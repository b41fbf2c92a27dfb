#include "myra/schema/identity.hpp"

#include <algorithm>
#include <optional>
#include <string>

#include "myra/schema/identity_match.hpp"
#include "myra/schema/literal.hpp"
#include "myra/schema/parse.hpp"

namespace myra::schema {
namespace {

std::string capacity_text(std::uint32_t capacity) {
  return capacity == 0 ? "none" : std::to_string(capacity);
}

template <class Value>
std::vector<Value*> pointers(std::vector<Value>& values) {
  std::vector<Value*> made;
  made.reserve(values.size());
  for (Value& each : values) made.push_back(&each);
  return made;
}

/// Finds who has a number (id, tag) that `declared` gives to itself and the ledger to another one.
template <class Entry, class Number>
const Entry* holder(const std::vector<Entry>& entries, std::uint32_t Entry::* number,
                    Number value) {
  const auto found = std::ranges::find(entries, value, number);
  return found == entries.end() ? nullptr : &*found;
}

class identifier {
 public:
  identifier(model& schema, const std::vector<ledger>& recorded, diagnostics& errors)
      : schema_(schema), recorded_(recorded), errors_(errors) {}

  void assign() {
    for (std::uint32_t file = 0; file < schema_.files.size(); ++file) {
      remember_names(messages_of(file), recorded_[file].messages);
      remember_names(enums_of(file), recorded_[file].enums);
    }
    for (std::uint32_t file = 0; file < schema_.files.size(); ++file) {
      const ledger& known = recorded_[file];
      assign_messages(file, known);
      assign_enums(file, known);
    }
  }

 private:
  std::vector<message*> messages_of(std::uint32_t file) {
    std::vector<message*> made;
    for (const std::uint32_t index : schema_.files[file].messages)
      if (!schema_.messages[index].is_group) made.push_back(&schema_.messages[index]);
    return made;
  }

  std::vector<enumeration*> enums_of(std::uint32_t file) {
    std::vector<enumeration*> made;
    for (const std::uint32_t index : schema_.files[file].enums)
      made.push_back(&schema_.enums[index]);
    return made;
  }

  /// Other ledgers may know a type by a name that only its own ledger still says it had.
  template <class Declared, class Entry>
  static void remember_names(const std::vector<Declared*>& declared,
                             const std::vector<Entry>& known) {
    diagnostics unheard;
    const auto entries = match_entries(declared, known, "", unheard);
    for (std::size_t i = 0; i < declared.size(); ++i) {
      if (entries[i] == nullptr) continue;
      std::vector<std::string>& names = declared[i]->aliases;
      names.insert(names.end(), entries[i]->aliases.begin(), entries[i]->aliases.end());
      names.push_back(entries[i]->name);
    }
  }

  void assign_messages(std::uint32_t file, const ledger& known) {
    const std::vector<message*> declared = messages_of(file);
    const auto entries = match_entries(declared, known.messages, "message", errors_);
    assign_numbers(declared, &message::id, entries, known.messages, &ledger_message::id, "id",
                   "message", id_max);
    const ledger_message none;
    for (std::size_t i = 0; i < declared.size(); ++i) {
      const ledger_message& entry = entries[i] != nullptr ? *entries[i] : none;
      declared[i]->base = entry.base;
      assign_fields(*declared[i], entry.fields);
    }
  }

  /// Ids and tags: what the ledger says, what is given, or else the next free ones. Given ones must
  /// be those of the ledger, and of nothing else in it.
  template <class Declared, class Entry>
  void assign_numbers(const std::vector<Declared*>& declared, std::uint32_t Declared::* number,
                      const std::vector<const Entry*>& entries, const std::vector<Entry>& known,
                      std::uint32_t Entry::* recorded, std::string_view word,
                      std::string_view thing, std::uint32_t greatest) {
    std::uint32_t next = next_free(known, recorded);
    for (const Declared* each : declared) next = std::max(next, each->*number + 1);
    for (std::size_t i = 0; i < declared.size(); ++i) {
      Declared& each = *declared[i];
      if (entries[i] != nullptr) {
        check_number(each, each.*number, entries[i]->*recorded, word, thing);
        each.*number = entries[i]->*recorded;
      } else if (each.*number != 0) {
        if (const Entry* other = holder(known, recorded, each.*number))
          tell_taken(each, std::string(word) + ' ' + std::to_string(each.*number), thing, *other,
                     std::to_string(next));
      } else if (next > greatest) {
        errors_.error(each.at, "no " + std::string(word) + " is left for " + in_quotes(each.name),
                      "at most " + std::to_string(greatest));
      } else {
        each.*number = next++;
      }
    }
  }

  void check_number(const declaration& named, std::uint32_t given, std::uint32_t recorded,
                    std::string_view word, std::string_view thing) {
    if (given == 0 || given == recorded) return;
    errors_.error(named.at,
                  std::string(thing) + ' ' + in_quotes(named.name) + " has " + std::string(word) +
                      ' ' + std::to_string(given) + ", and the ledger says " +
                      std::to_string(recorded),
                  "write '" + std::string(word) + ": " + std::to_string(recorded) + "'");
  }

  void tell_taken(const declaration& named, const std::string& number, std::string_view thing,
                  const ledger_entry& other, const std::string& next) {
    const std::string what = std::string(thing) + ' ' + in_quotes(named.name) + " takes " + number +
                             " of " + in_quotes(other.name);
    if (other.is_deleted)
      errors_.error(named.at, what + ", which was deleted",
                    "numbers are never used again; the next free one is " + next);
    else
      errors_.error(named.at, what,
                    "if it was renamed add 'aliases: [" + other.name +
                        "]', else the next free one is " + next);
  }

  void assign_fields(message& target, const std::vector<ledger_field>& known) {
    assign_field_list(target.fields, target.file, target.name, known, tag_max);
    for (const ledger_field& each : known) {
      const bool is_there = std::ranges::count(target.fields, each.tag, &field::tag) != 0;
      if (!is_there) target.deleted_fields.push_back({each.tag, each.name, each.placed});
    }
    std::ranges::sort(target.deleted_fields, {}, &tombstone::tag);
  }

  void assign_field_list(std::vector<field>& fields, std::uint32_t file, const std::string& where,
                         const std::vector<ledger_field>& known, std::uint32_t greatest) {
    const std::vector<field*> declared = pointers(fields);
    const auto entries = match_entries(declared, known, "field", errors_);
    assign_numbers(declared, &field::tag, entries, known, &ledger_field::tag, "tag", "field",
                   greatest);
    const ledger_field none;
    for (std::size_t i = 0; i < declared.size(); ++i) {
      field& each = *declared[i];
      if (entries[i] != nullptr) check_field(each, file, where, *entries[i]);
      assign_nested(each, file, entries[i] != nullptr ? *entries[i] : none);
    }
    std::ranges::sort(fields, {}, &field::tag);
  }

  void assign_nested(field& made, std::uint32_t file, const ledger_field& entry) {
    if (made.value.kind == type_kind::oneof)
      assign_field_list(made.alternatives, file, made.name, entry.fields, alternative_tag_max);
    if (made.value.kind != type_kind::message || !schema_.messages[made.value.index].is_group)
      return;
    message& group = schema_.messages[made.value.index];
    group.base = entry.base;
    assign_fields(group, entry.fields);
  }

  void check_field(field& made, std::uint32_t file, const std::string& where,
                   const ledger_field& entry) {
    const auto refuse = [&](std::string_view what, const std::string& now,
                            const std::string& before) {
      errors_.error(made.at,
                    "field " + in_quotes(where + '.' + made.name) + " changes its " +
                        std::string(what) + " from " + before + " to " + now,
                    "neither old readers of new messages survive it nor new readers of old ones: "
                    "keep " +
                        before + ", or add a field with another name");
    };
    if (!is_recorded_type(schema_, file, made.value, entry.type))
      return refuse("type", ledger_type_text(schema_, file, made.value), entry.type);
    if (made.given != entry.given)
      return refuse("presence", std::string(presence_text(made.given)),
                    std::string(presence_text(entry.given)));
    if (made.fixed_capacity != entry.fixed_capacity)
      return refuse("fixed_capacity", capacity_text(made.fixed_capacity),
                    capacity_text(entry.fixed_capacity));
    const bool has_default = !std::holds_alternative<std::monostate>(made.default_value);
    const bool is_text =
        made.value.kind == type_kind::string || made.value.kind == type_kind::bytes;
    if (is_text && has_default != entry.default_text.has_value())
      return refuse("default", has_default ? "one" : "none", has_default ? "none" : "one");
    made.placed = entry.placed;
  }

  void assign_enums(std::uint32_t file, const ledger& known) {
    const std::vector<enumeration*> declared = enums_of(file);
    const auto entries = match_entries(declared, known.enums, "enum", errors_);
    assign_numbers(declared, &enumeration::id, entries, known.enums, &ledger_enum::id, "id", "enum",
                   id_max);
    for (std::size_t i = 0; i < declared.size(); ++i)
      if (entries[i] != nullptr) check_enum(*declared[i], *entries[i]);
  }

  void check_enum(enumeration& made, const ledger_enum& entry) {
    if (kind_name(made.underlying) != entry.underlying) {
      errors_.error(made.at,
                    "enum " + in_quotes(made.name) + " changes its type from " + entry.underlying +
                        " to " + std::string(kind_name(made.underlying)),
                    "keep " + entry.underlying + ", or add an enum with another name");
      return;
    }
    const std::vector<enum_value*> declared = pointers(made.values);
    const auto entries = match_entries(declared, entry.values, "value", errors_);
    for (std::size_t i = 0; i < declared.size(); ++i)
      check_value(made, *declared[i], entries[i], entry);
  }

  void check_value(const enumeration& of, const enum_value& made, const ledger_value* own,
                   const ledger_enum& entry) {
    const auto number = static_cast<std::int64_t>(made.number);
    if (own != nullptr && own->number != number) {
      errors_.error(made.at,
                    "value " + in_quotes(of.name + '.' + made.name) + " changes its id from " +
                        number_text(of, own->number) + " to " + number_text(of, number),
                    "write 'id: " + number_text(of, own->number) + "'");
    } else if (own == nullptr) {
      const auto other = std::ranges::find(entry.values, number, &ledger_value::number);
      if (other != entry.values.end())
        tell_taken(made, "id " + number_text(of, number), "value", *other,
                   number_text(of, next_number(entry)));
    }
  }

  static std::string number_text(const enumeration& of, std::int64_t number) {
    return range_of(of.underlying).least < 0 ? std::to_string(number)
                                             : std::to_string(static_cast<std::uint64_t>(number));
  }

  static std::int64_t next_number(const ledger_enum& entry) {
    std::int64_t greatest = 0;
    for (const ledger_value& each : entry.values) greatest = std::max(greatest, each.number);
    return greatest == INT64_MAX ? greatest : greatest + 1;
  }

  model& schema_;
  const std::vector<ledger>& recorded_;
  diagnostics& errors_;
};

}  // namespace

void assign_identities(model& schema, const std::vector<ledger>& recorded, diagnostics& errors) {
  identifier(schema, recorded, errors).assign();
}

}  // namespace myra::schema
