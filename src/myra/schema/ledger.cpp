#include "myra/schema/ledger.hpp"

#include <algorithm>

#include "myra/schema/type_syntax.hpp"

namespace myra::schema {
namespace {

/// Its text within a line: blanks, '%' and what is not printable become %XX.
std::string escaped(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string made;
  for (const char each : text) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte > 0x20 && byte < 0x7f && each != '%') {
      made += each;
    } else {
      made += '%';
      made += digits[byte >> 4];
      made += digits[byte & 15];
    }
  }
  return made;
}

std::string number_text(std::string_view key, std::uint32_t value) {
  return ' ' + std::string(key) + '=' + std::to_string(value);
}

std::string place_text(const placement& placed) {
  std::string text;
  if (placed.offset_bytes != placement::none) {
    text += number_text("offset", placed.offset_bytes);
    text += number_text("size", placed.size_bytes);
  }
  if (placed.slot != placement::none) text += number_text("slot", placed.slot);
  if (placed.bit != placement::none) text += number_text("bit", placed.bit);
  if (placed.value_bit != placement::none) text += number_text("value_bit", placed.value_bit);
  return text;
}

std::string base_text(const std::optional<base_shape>& base) {
  if (!base) return {};
  return " base=" + std::to_string(base->scalar_size_bytes) + ',' +
         std::to_string(base->slot_count);
}

std::string entry_text(const ledger_entry& entry) {
  std::string text;
  for (const std::string& alias : entry.aliases) text += (text.empty() ? " aliases=" : ",") + alias;
  return text + (entry.is_deleted ? " deleted\n" : "\n");
}

void write_fields(std::string& text, const std::string& path,
                  const std::vector<ledger_field>& fields) {
  for (const ledger_field& each : fields) {
    const std::string own_path = path + '.' + std::to_string(each.tag);
    text += "field " + own_path + ' ' + each.name + ' ' + each.type + ' ' +
            std::string(presence_text(each.given)) + place_text(each.placed);
    if (each.fixed_capacity != 0) text += number_text("capacity", each.fixed_capacity);
    if (each.default_text) text += " default=" + escaped(*each.default_text);
    text += base_text(each.base) + entry_text(each);
    write_fields(text, own_path, each.fields);
  }
}

/// The name of a message or an enum as that file would write it, were it called `name`.
std::string name_in(const model& schema, std::uint32_t file, std::uint32_t owner,
                    const std::string& name) {
  std::string text;
  if (owner != file)
    for (const std::string& part : schema.files[owner].name_space) text.append(part).append(".");
  return text + name;
}

struct target {
  std::uint32_t file;
  const declaration* named;
};

std::optional<target> target_of(const model& schema, const type& shown) {
  if (shown.kind == type_kind::message)
    return target{schema.messages[shown.index].file, &schema.messages[shown.index]};
  if (shown.kind == type_kind::enumeration)
    return target{schema.enums[shown.index].file, &schema.enums[shown.index]};
  return std::nullopt;
}

bool is_named(const model& schema, std::uint32_t file, const type& now, const std::string& name) {
  const auto meant = target_of(schema, now);
  if (!meant) return kind_name(now.kind) == name;
  if (name_in(schema, file, meant->file, meant->named->name) == name) return true;
  return std::ranges::any_of(meant->named->aliases, [&](const std::string& alias) {
    return name_in(schema, file, meant->file, alias) == name;
  });
}

bool is_written(const model& schema, std::uint32_t file, const type& now,
                const written_type& recorded) {
  if (recorded.array_count.value_or(0) != now.array_count) return false;
  if (recorded.parameters.size() != now.parameters.size()) return false;
  for (std::size_t i = 0; i < now.parameters.size(); ++i)
    if (!is_written(schema, file, now.parameters[i], recorded.parameters[i])) return false;
  return is_named(schema, file, now, recorded.name);
}

}  // namespace

std::string write_ledger(const ledger& written, std::string_view stem) {
  std::string text = "# The ledger of " + std::string(stem) +
                     ".myra.yml: written by myrac, to be committed, not to be edited.\n"
                     "myra-lock 1\n";
  for (const ledger_message& each : written.messages) {
    const std::string id = std::to_string(each.id);
    text += "message " + id + ' ' + each.name + base_text(each.base) + entry_text(each);
    write_fields(text, id, each.fields);
  }
  for (const ledger_enum& each : written.enums) {
    const std::string id = std::to_string(each.id);
    text += "enum " + id + ' ' + each.name + ' ' + each.underlying + entry_text(each);
    for (const ledger_value& value : each.values)
      text += "value " + id + ':' +
              (each.underlying.starts_with('u')
                   ? std::to_string(static_cast<std::uint64_t>(value.number))
                   : std::to_string(value.number)) +
              ' ' + value.name + entry_text(value);
  }
  return text;
}

std::string ledger_type_text(const model& schema, std::uint32_t file, const type& shown) {
  std::string text;
  if (const auto meant = target_of(schema, shown)) {
    text = name_in(schema, file, meant->file, meant->named->name);
  } else if (shown.kind == type_kind::map) {
    text = "map<" + ledger_type_text(schema, file, shown.parameters[0]) + ',' +
           ledger_type_text(schema, file, shown.parameters[1]) + '>';
  } else {
    text = kind_name(shown.kind);
  }
  if (shown.array_count != 0) text += '[' + std::to_string(shown.array_count) + ']';
  return text;
}

bool is_recorded_type(const model& schema, std::uint32_t file, const type& now,
                      std::string_view recorded) {
  if (now.kind == type_kind::message && schema.messages[now.index].is_group)
    return recorded == "group";
  const auto written = parse_type(recorded);
  return written && is_written(schema, file, now, *written);
}

std::string_view presence_text(presence given) noexcept {
  constexpr std::string_view names[] = {"required", "optional", "repeated", "optional_repeated"};
  return names[static_cast<std::size_t>(given)];
}

}  // namespace myra::schema
