#include "myra/schema/name_scope.hpp"

#include <algorithm>

#include "myra/schema/type_syntax.hpp"

namespace myra::schema {

name_scope::name_scope(const model& schema, diagnostics& errors)
    : schema_(schema), by_file_(schema.files.size()) {
  for (const schema_file& file : schema.files) {
    std::string& prefix = prefixes_.emplace_back();
    for (const std::string& part : file.name_space) prefix.append(part).append(".");
  }
  for (std::uint32_t i = 0; i < schema.messages.size(); ++i)
    add(schema.messages[i].file, schema.messages[i], {type_kind::message, i}, errors);
  for (std::uint32_t i = 0; i < schema.enums.size(); ++i)
    add(schema.enums[i].file, schema.enums[i], {type_kind::enumeration, i}, errors);
}

void name_scope::add(std::uint32_t file, const declaration& named, named_type meant,
                     diagnostics& errors) {
  if (named.name.empty()) return;  // Told already.
  if (kind_of(named.name) || named.name == "enum" || named.name == "message")
    errors.error(named.at, in_quotes(named.name) + " is a type of the schema language",
                 "choose another name");
  const auto [found, is_new] = qualified_.try_emplace(prefixes_[file] + named.name, named.at);
  if (!is_new) {
    const position first = found->second;
    errors.error(named.at, "the name " + in_quotes(named.name) + " is taken",
                 errors.path(first.file) + " has it in line " + std::to_string(first.line) +
                     "; choose another name");
    return;
  }
  const bool is_group = meant.kind == type_kind::message && schema_.messages[meant.index].is_group;
  if (!is_group) by_file_[file].emplace(named.name, meant);
}

std::expected<named_type, lookup_failure> name_scope::find(std::uint32_t file,
                                                           const std::string& name) const {
  if (const auto own = by_file_[file].find(name); own != by_file_[file].end()) return own->second;
  std::vector<std::uint32_t> places = {file};
  places.insert(places.end(), schema_.files[file].imports.begin(),
                schema_.files[file].imports.end());
  std::vector<std::string> candidates;
  named_type meant;
  for (const std::uint32_t each : places) {
    const bool is_qualified = name.starts_with(prefixes_[each]) && !prefixes_[each].empty();
    const auto found =
        by_file_[each].find(is_qualified ? name.substr(prefixes_[each].size()) : name);
    if (found == by_file_[each].end()) continue;
    meant = found->second;
    candidates.push_back(prefixes_[each] + found->first);
  }
  if (candidates.size() == 1) return meant;
  if (candidates.empty()) return std::unexpected(not_found(file, name));
  return std::unexpected(lookup_failure{"type " + in_quotes(name) + " is ambiguous",
                                        "write one of " + enumerated(candidates)});
}

lookup_failure name_scope::not_found(std::uint32_t file, const std::string& name) const {
  std::vector<std::string> known = kind_words();
  for (const auto& [each, meant] : by_file_[file]) known.push_back(each);
  for (const std::uint32_t import : schema_.files[file].imports)
    for (const auto& [each, meant] : by_file_[import]) {
      known.push_back(each);
      known.push_back(prefixes_[import] + each);
    }
  std::ranges::sort(known);
  return {"unknown type " + in_quotes(name),
          suggestion(name, known, "declare a message or an enum of that name, or import its file")};
}

}  // namespace myra::schema
