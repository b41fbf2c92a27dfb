// How the declarations of one scope and the entries of its ledger find each other.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "myra/schema/diagnostics.hpp"
#include "myra/schema/ledger.hpp"

namespace myra::schema {

/// The entry of each of `declared`, null for what is new. By name first, then by a declared alias,
/// then by a name that the entry had before.
template <class Declared, class Entry>
[[nodiscard]] std::vector<const Entry*> match_entries(const std::vector<Declared*>& declared,
                                                      const std::vector<Entry>& entries,
                                                      std::string_view thing, diagnostics& errors) {
  std::unordered_map<std::string_view, const Entry*> by_name;
  std::unordered_map<std::string_view, const Entry*> by_old_name;
  for (const Entry& each : entries) {
    by_name.emplace(each.name, &each);
    for (const std::string& alias : each.aliases) by_old_name.emplace(alias, &each);
  }
  std::unordered_map<const Entry*, const Declared*> owners;
  std::vector<const Entry*> made(declared.size(), nullptr);
  const auto claim = [&](std::size_t i, const auto& names, const std::string& name) {
    const auto found = made[i] == nullptr ? names.find(name) : names.end();
    if (found == names.end()) return;
    const auto [owner, is_free] = owners.emplace(found->second, declared[i]);
    if (is_free) {
      made[i] = found->second;
    } else if (owner->second != declared[i]) {
      errors.error(declared[i]->at,
                   std::string(thing) + ' ' + in_quotes(declared[i]->name) + " takes the name " +
                       in_quotes(name) + ", which " + in_quotes(owner->second->name) +
                       " had before",
                   "choose a name that nothing had");
    }
  };
  for (std::size_t i = 0; i < declared.size(); ++i) claim(i, by_name, declared[i]->name);
  for (std::size_t i = 0; i < declared.size(); ++i)
    for (const std::string& alias : declared[i]->aliases) claim(i, by_name, alias);
  for (std::size_t i = 0; i < declared.size(); ++i) claim(i, by_old_name, declared[i]->name);
  return made;
}

}  // namespace myra::schema
