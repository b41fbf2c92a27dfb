// myrac validate, diff and lock: what a schema is worth, and what changes with it.

#include <cstdio>

#include "console.hpp"
#include "myra/schema/diff.hpp"
#include "verbs.hpp"

namespace myra::compiler {
namespace {

constexpr const char* lock_help = "The ledger of SCHEMA (default: NAME.myra.lock beside it)";

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int print_changes(const schema::ledger& before, const schema::ledger& after) {
  const auto changes = schema::changes_between(before, after);
  print(changes.empty() ? "nothing changed\n" : schema::text_of(changes));
  return 0;
}

/// The ledger that a schema without one would get.
std::optional<std::string> first_ledger(const std::string& path) {
  const auto without = [](const std::string& wanted) -> std::expected<std::string, std::string> {
    if (wanted.ends_with(".myra.lock")) return std::unexpected("no such file");
    return schema::read_source(wanted);
  };
  const schema::compiled made = schema::compile({.schema_path = path}, without);
  if (made.errors.empty()) return made.ledgers.front().after_text;
  tell(made.errors.text());
  return std::nullopt;
}

/// Takes the schema at `path` for the next version of the one whose ledger has that text.
int diff_against(const std::string& path, const std::string& name, const std::string& ledger) {
  const auto with = [&](const std::string& wanted) -> std::expected<std::string, std::string> {
    if (wanted == name) return ledger;
    return schema::read_source(wanted);
  };
  const schema::compiled made = schema::compile({.schema_path = path, .ledger_path = name}, with);
  if (!made.errors.empty()) {
    tell(made.errors.text());
    return exit_wrong;
  }
  return print_changes(made.ledgers.front().before, made.ledgers.front().after);
}

int diff_schemas(const std::string& before, const std::string& after) {
  const bool is_ledger = before.ends_with(".lock");
  if (is_ledger) {
    const auto text = schema::read_source(before);
    if (text) return diff_against(after, before, *text);
    tell("myrac diff: cannot read " + before + ": " + text.error() + '\n');
    return exit_usage;
  }
  const auto text = first_ledger(before);
  return text ? diff_against(after, before + ".lock", *text) : exit_wrong;
}

}  // namespace

int run_validate(int argc, const char* const* argv) {
  std::vector<std::string> paths;
  std::string ledger;
  CLI::App app("Checks schemas and their ledgers, and writes nothing.", "myrac validate");
  app.add_option("SCHEMA", paths, "The .myra.yml files")->required();
  app.add_option("--lock", ledger, "The ledger, where there is one SCHEMA");
  if (const auto status = parse(app, argc, argv)) return *status;
  if (!ledger.empty() && paths.size() != 1) {
    tell("myrac validate: --lock goes with one SCHEMA; found several\n");
    return exit_usage;
  }
  int status = 0;
  for (const std::string& path : paths) {
    const auto made = compile_or_tell({.schema_path = path, .ledger_path = ledger});
    if (!made)
      status = exit_wrong;
    else
      std::printf("%s: %zu messages, %zu enums, %zu files: good\n", path.c_str(),
                  made->schema.messages.size(), made->schema.enums.size(),
                  made->schema.files.size());
  }
  return status;
}

int run_diff(int argc, const char* const* argv) {
  std::vector<std::string> paths;
  std::string ledger;
  CLI::App app(
      "Says for each change whether old and new readers survive it: of SCHEMA since its ledger was "
      "written, or from the first of two schemas (or a ledger) to the second.",
      "myrac diff");
  app.add_option("SCHEMA", paths, "One .myra.yml file, or an older one (or ledger) and a newer one")
      ->required()
      ->expected(1, 2);
  app.add_option("--lock", ledger, lock_help);
  if (const auto status = parse(app, argc, argv)) return *status;
  if (paths.size() == 2) return diff_schemas(paths[0], paths[1]);
  const auto made = compile_or_tell({.schema_path = paths[0], .ledger_path = ledger});
  if (!made) return exit_wrong;
  return print_changes(made->ledgers.front().before, made->ledgers.front().after);
}

int run_lock(int argc, const char* const* argv) {
  schema::compile_options options;
  CLI::App app("Brings the ledgers up to the schema, and says what changes.", "myrac lock");
  app.add_option("SCHEMA", options.schema_path, "The .myra.yml file")->required();
  app.add_option("--lock", options.ledger_path, lock_help);
  if (const auto status = parse(app, argc, argv)) return *status;
  const auto made = compile_or_tell(options);
  if (!made) return exit_wrong;
  for (const schema::kept_ledger& each : made->ledgers)
    print(schema::text_of(schema::changes_between(each.before, each.after)));
  return write_ledgers(*made) ? 0 : exit_usage;
}

}  // namespace myra::compiler
