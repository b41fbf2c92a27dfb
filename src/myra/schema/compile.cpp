#include "myra/schema/compile.hpp"

#include <filesystem>
#include <utility>

#include "myra/schema/identity.hpp"
#include "myra/schema/ledger_update.hpp"
#include "myra/schema/resolve.hpp"

namespace myra::schema {
namespace {

namespace fs = std::filesystem;

constexpr const char* missing = "no such file";  // As read_source says it.

kept_ledger read_one(const std::string& path, const source_reader& read, diagnostics& errors) {
  kept_ledger made{.path = path};
  auto text = read(path);
  if (!text && text.error() == missing) return made;
  const std::uint32_t file = errors.add_file(path);
  if (!text) {
    errors.error({file, 0, 0}, "cannot read the ledger: " + text.error());
    return made;
  }
  made.exists = true;
  made.text = std::move(*text);
  made.before = read_ledger(made.text, file, errors);
  return made;
}

void read_ledgers(const compile_options& options, const source_reader& read, compiled& made) {
  const std::string own =
      options.ledger_path.empty() ? default_ledger_path(options.schema_path) : options.ledger_path;
  made.ledgers.push_back(read_one(own, read, made.errors));
  for (std::size_t i = 1; i < made.schema.files.size(); ++i) {
    const std::string beside = default_ledger_path(made.schema.files[i].path);
    kept_ledger found = read_one(beside, read, made.errors);
    if (!found.exists && !options.ledger_path.empty()) {
      const fs::path folder = fs::path(own).parent_path();
      found = read_one((folder / fs::path(beside).filename()).string(), read, made.errors);
    }
    made.ledgers.push_back(std::move(found));
  }
}

/// Whether the layout would put a field of that type in such a place; a ledger that was edited may
/// say anything.
bool is_alike(const placement& kept, const placement& fresh) {
  constexpr std::uint32_t none = placement::none;
  return kept.size_bytes == fresh.size_bytes &&
         (kept.offset_bytes == none) == (fresh.offset_bytes == none) &&
         (kept.slot == none) == (fresh.slot == none) && (kept.bit == none) == (fresh.bit == none) &&
         (kept.value_bit == none) == (fresh.value_bit == none);
}

void check_places(const model& schema, diagnostics& errors) {
  model bare = schema;
  for (message& each : bare.messages) {
    each.base.reset();
    each.deleted_fields.clear();
    for (field& one : each.fields) one.placed.reset();
  }
  diagnostics unheard;
  const layout fresh = lay_out(bare, unheard);
  if (!unheard.empty()) return;  // Too large without its history: the real layout tells it.
  for (std::size_t i = 0; i < schema.messages.size(); ++i) {
    const std::vector<field>& fields = schema.messages[i].fields;
    for (std::size_t j = 0; j < fields.size(); ++j) {
      const std::optional<placement>& placed = fields[j].placed;
      if (!placed || is_alike(*placed, fresh.messages[i].fields[j].placed)) continue;
      errors.error(fields[j].at,
                   "the ledger gives field " + in_quotes(fields[j].name) +
                       " a place that does not fit its type",
                   "restore the ledger from version control");
    }
  }
}

}  // namespace

std::string default_ledger_path(const std::string& schema_path) {
  return (fs::path(schema_path).parent_path() / (stem_of(schema_path) + ".myra.lock")).string();
}

compiled compile(const compile_options& options, const source_reader& read) {
  compiled made;
  made.schema = resolve(load_files(options.schema_path, read, made.errors), made.errors);
  if (!made.errors.empty()) return made;
  read_ledgers(options, read, made);
  if (!made.errors.empty()) return made;
  std::vector<ledger> known;
  for (const kept_ledger& each : made.ledgers) known.push_back(each.before);
  assign_identities(made.schema, known, made.errors);
  if (!made.errors.empty()) return made;
  check_places(made.schema, made.errors);
  if (!made.errors.empty()) return made;
  made.places = lay_out(made.schema, made.errors);
  if (!made.errors.empty()) return made;
  for (std::uint32_t i = 0; i < made.ledgers.size(); ++i) {
    kept_ledger& each = made.ledgers[i];
    each.after = updated_ledger(made.schema, made.places, i, each.before);
    each.after_text = write_ledger(each.after, made.schema.files[i].stem);
  }
  return made;
}

}  // namespace myra::schema
