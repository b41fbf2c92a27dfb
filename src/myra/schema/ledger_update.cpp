#include "myra/schema/ledger_update.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "myra/schema/literal.hpp"

namespace myra::schema {
namespace {

template <class Entry, class Number>
const Entry* entry_of(const std::vector<Entry>& entries, Number Entry::* number, Number value) {
  const auto found = std::ranges::find(entries, value, number);
  return found == entries.end() ? nullptr : &*found;
}

/// The names that something had: those of the ledger, those of the schema, the last one.
std::vector<std::string> all_aliases(const declaration& now, const ledger_entry* before) {
  std::vector<std::string> made;
  const auto add = [&](const std::string& name) {
    if (name != now.name && std::ranges::count(made, name) == 0) made.push_back(name);
  };
  if (before != nullptr) {
    std::ranges::for_each(before->aliases, add);
    add(before->name);
  }
  std::ranges::for_each(now.aliases, add);
  return made;
}

/// Adds what `before` has and `made` has not, as deleted.
template <class Entry, class Number>
void keep_deleted(std::vector<Entry>& made, const std::vector<Entry>& before,
                  Number Entry::* number) {
  const std::size_t count = made.size();
  for (const Entry& each : before) {
    const auto end = made.begin() + static_cast<std::ptrdiff_t>(count);
    if (std::find_if(made.begin(), end,
                     [&](const Entry& other) { return other.*number == each.*number; }) != end)
      continue;
    made.push_back(each);
    made.back().is_deleted = true;
  }
}

class updater {
 public:
  updater(const model& schema, const layout& places, std::uint32_t file)
      : schema_(schema), places_(places), file_(file) {}

  ledger update(const ledger& before) const {
    ledger made;
    for (const std::uint32_t index : schema_.files[file_].messages) {
      const message& each = schema_.messages[index];
      if (each.is_group) continue;
      made.messages.push_back(
          entry(each, index, entry_of(before.messages, &ledger_message::id, each.id)));
    }
    for (const std::uint32_t index : schema_.files[file_].enums) {
      const enumeration& each = schema_.enums[index];
      made.enums.push_back(entry(each, entry_of(before.enums, &ledger_enum::id, each.id)));
    }
    keep_deleted(made.messages, before.messages, &ledger_message::id);
    keep_deleted(made.enums, before.enums, &ledger_enum::id);
    std::ranges::sort(made.messages, {}, &ledger_message::id);
    std::ranges::sort(made.enums, {}, &ledger_enum::id);
    return made;
  }

 private:
  static void name_entry(ledger_entry& made, const declaration& now, const ledger_entry* before) {
    made.name = now.name;
    made.aliases = all_aliases(now, before);
    made.line = before != nullptr ? before->line : 0;
  }

  ledger_message entry(const message& now, std::uint32_t index,
                       const ledger_message* before) const {
    ledger_message made;
    name_entry(made, now, before);
    made.id = now.id;
    made.base = places_.messages[index].base;
    made.fields =
        field_entries(now, index, before != nullptr ? before->fields : std::vector<ledger_field>{});
    return made;
  }

  std::vector<ledger_field> field_entries(const message& now, std::uint32_t index,
                                          const std::vector<ledger_field>& before) const {
    std::vector<ledger_field> made;
    for (std::size_t i = 0; i < now.fields.size(); ++i) {
      made.push_back(entry(now.fields[i], entry_of(before, &ledger_field::tag, now.fields[i].tag)));
      made.back().placed = places_.messages[index].fields[i].placed;
    }
    keep_deleted(made, before, &ledger_field::tag);
    std::ranges::sort(made, {}, &ledger_field::tag);
    return made;
  }

  ledger_field entry(const field& now, const ledger_field* before) const {
    ledger_field made;
    name_entry(made, now, before);
    made.tag = now.tag;
    made.given = now.given;
    made.fixed_capacity = now.fixed_capacity;
    if (!std::holds_alternative<std::monostate>(now.default_value))
      made.default_text = default_text(now);
    const std::vector<ledger_field> nested =
        before != nullptr ? before->fields : std::vector<ledger_field>{};
    const bool is_group =
        now.value.kind == type_kind::message && schema_.messages[now.value.index].is_group;
    made.type = is_group ? "group" : ledger_type_text(schema_, file_, now.value);
    if (is_group) {
      made.base = places_.messages[now.value.index].base;
      made.fields = field_entries(schema_.messages[now.value.index], now.value.index, nested);
    }
    if (now.value.kind == type_kind::oneof) {
      for (const field& each : now.alternatives)
        made.fields.push_back(entry(each, entry_of(nested, &ledger_field::tag, each.tag)));
      keep_deleted(made.fields, nested, &ledger_field::tag);
      std::ranges::sort(made.fields, {}, &ledger_field::tag);
    }
    return made;
  }

  std::string default_text(const field& now) const {
    if (now.value.kind != type_kind::enumeration)
      return literal_text(now.value.kind, now.default_value);
    return literal_text(schema_.enums[now.value.index].underlying, now.default_value);
  }

  static ledger_enum entry(const enumeration& now, const ledger_enum* before) {
    ledger_enum made;
    name_entry(made, now, before);
    made.id = now.id;
    made.underlying = kind_name(now.underlying);
    const std::vector<ledger_value> known =
        before != nullptr ? before->values : std::vector<ledger_value>{};
    for (const enum_value& each : now.values) {
      ledger_value& value = made.values.emplace_back();
      value.number = static_cast<std::int64_t>(each.number);
      name_entry(value, each, entry_of(known, &ledger_value::number, value.number));
    }
    keep_deleted(made.values, known, &ledger_value::number);
    std::ranges::sort(made.values, {}, &ledger_value::number);
    return made;
  }

  const model& schema_;
  const layout& places_;
  std::uint32_t file_;
};

}  // namespace

ledger updated_ledger(const model& schema, const layout& places, std::uint32_t file,
                      const ledger& before) {
  return updater(schema, places, file).update(before);
}

}  // namespace myra::schema
